"""Pieces of HTML: every text that goes into them is escaped."""

import base64
import gzip
import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["bar_table", "data_block", "histogram", "json_block", "matrix", "section", "table"]


def escape(value: object) -> str:
    """A text as HTML shows it."""
    return html.escape(str(value))


def section(name: str, title: str, *parts: str) -> str:
    """A section of the page that can be linked to."""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", name: str = ""
) -> str:
    """A table: numbers are aligned right and have thousands separators."""
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in header)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    known = f' id="{name}"' if name else ""
    return (
        f'<div class="wide"><table{known}>{said}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if value is None:
        return '<td class="number">–</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    if isinstance(value, float):
        return f'<td class="number">{value:,.4f}</td>'
    kind = ' class="number"' if str(value)[:1] in "+-0123456789" else ""
    return f"<td{kind}>{escape(value)}</td>"


def bar_table(title: str, counts: Iterable[tuple[str, int]], total: int) -> str:
    """Counts as a table with a bar in each line; the shares are of the total."""
    counts = list(counts)
    most = max((count for _, count in counts), default=0) or 1
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{count:,}</td>'
        f'<td class="number">{count / max(total, 1):.1%}</td>'
        f'<td class="bar"><span style="width:{100 * count / most:.1f}%"></span></td></tr>'
        for name, count in counts
    )
    caption = f"<caption>{escape(title)}</caption>"
    return f'<div class="wide"><table>{caption}<tbody>{lines}</tbody></table></div>'


def histogram(counts: Sequence[int], least: float, greatest: float, title: str) -> str:
    """Bars of a distribution, with the values at both ends."""
    width, height, most = 240, 70, max(counts) or 1
    bar = width / len(counts)
    bars = "".join(
        f'<rect class="fill" x="{i * bar:.1f}" y="{height * (1 - count / most):.1f}" '
        f'width="{bar - 0.5:.1f}" height="{height * count / most:.1f}"/>'
        for i, count in enumerate(counts)
        if count
    )
    return (
        f'<svg viewBox="0 0 {width} {height + 14}" role="img" aria-label="{escape(title)}">{bars}'
        f'<line x1="0" x2="{width}" y1="{height}" y2="{height}"/>'
        f'<text x="0" y="{height + 11}">{least:,.0f}</text>'
        f'<text x="{width}" y="{height + 11}" text-anchor="end">{greatest:,.0f}</text></svg>'
    )


def matrix(names: Sequence[str], counts: Sequence[Sequence[int]], caption: str) -> str:
    """How often two things occur together, as shares of the line's own count."""
    heads = "".join(f'<th scope="col">{number}</th>' for number in range(1, len(names) + 1))
    lines = ""
    for row, name in enumerate(names):
        own = counts[row][row] or 1
        cells = ""
        for column, count in enumerate(counts[row]):
            share = count / own
            text = "" if row == column or not count else f"{100 * share:.0f}"
            tint = "" if row == column else f"background:rgb(122 167 214 / {share:.2f})"
            where = f"{name} and {names[column]}: {count:,}"
            cells += f'<td style="{tint}" title="{escape(where)}">{text}</td>'
        lines += f'<tr><th scope="row">{row + 1} {escape(name)}</th>{cells}</tr>'
    return (
        f'<div class="wide"><table class="matrix"><caption>{escape(caption)}</caption>'
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def json_block(name: str, value: Any) -> str:
    """Data for the page's script."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def data_block(name: str, content: bytes) -> str:
    """Many bytes for the page's script, compressed."""
    text = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    return f'<script type="application/octet-stream" id="{name}">{text}</script>'
