"""Pieces of HTML: every text that goes into them is escaped."""

import base64
import gzip
import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

_LARGE = 10  # numbers from here on are shown with fewer digits


def escape(value: object) -> str:
    """A text as HTML shows it; what is no text in the name of a file stays readable."""
    return html.escape(str(value).encode("utf-8", "backslashreplace").decode("utf-8"))


def section(name: str, title: str, *parts: str) -> str:
    """A section of the page that can be linked to."""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def percent(share: float | None) -> str:
    """A share, 0 to 1, in percent."""
    return "–" if share is None else f"{100 * share:.2f} %"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table: numbers are aligned right and have thousands separators."""
    rows = list(rows)
    kinds = [
        ' class="number"' if any(_is_number(row[column]) for row in rows) else ""
        for column in range(len(header))
    ]
    heads = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>'
        for text, kind in zip(header, kinds, strict=True)
    )
    lines = ""
    for row in rows:
        cells = (f"<td{kind}>{_text(value)}</td>" for value, kind in zip(row, kinds, strict=True))
        lines += f"<tr>{''.join(cells)}</tr>"
    return (
        f'<div class="wide"><table>{_caption(caption)}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _caption(text: str) -> str:
    return f"<caption><span>{escape(text)}</span></caption>" if text else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or str(value)[:1] in tuple("+-0123456789")


def _text(value: object) -> str:
    """A value as HTML, numbers rounded for reading."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        digits = 0 if value.is_integer() else 2 if abs(value) >= _LARGE else 4
        return f"{value:,.{digits}f}"
    return escape(value)


def bar_table(title: str, counts: Iterable[tuple[str, int]], total: int) -> str:
    """Counts as a table with a bar in each line; the shares are of the total."""
    counts = list(counts)
    most = max((count for _, count in counts), default=0) or 1
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{count:,}</td>'
        f'<td class="number">{100 * count / max(total, 1):.1f} %</td>'
        f'<td class="bar"><span style="width:{100 * count / most:.1f}%"></span></td></tr>'
        for name, count in counts
    )
    return f'<div class="wide"><table>{_caption(title)}<tbody>{lines}</tbody></table></div>'


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
    """A table of how often two things occur together, as shares of the row's own count."""
    heads = "".join(
        f'<th scope="col" title="{escape(name)}">{number}</th>'
        for number, name in enumerate(names, 1)
    )
    lines = ""
    for row, name in enumerate(names):
        own = counts[row][row] or 1
        cells = ""
        for column, count in enumerate(counts[row]):
            share = count / own
            text = "" if row == column or not count else f"{100 * share:.0f}"
            tint = "" if row == column else f"background:rgb(var(--tint) / {share:.2f})"
            where = f"{name} and {names[column]}: {count:,}"
            cells += f'<td style="{tint}" title="{escape(where)}">{text}</td>'
        lines += f'<tr><th scope="row">{row + 1} {escape(name)}</th>{cells}</tr>'
    return (
        f'<div class="wide"><table class="matrix">{_caption(caption)}'
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def json_block(name: str, value: Any) -> str:
    """Data for the page's script, as JSON."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def data_block(name: str, content: bytes) -> str:
    """Binary data for the page's script, compressed."""
    text = base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()
    return f'<script type="application/octet-stream" id="{name}">{text}</script>'
