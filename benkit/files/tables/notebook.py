"""How values look in a notebook: a line and small tables, in the colours of what is around them.

Texts have the ink of the notebook, light or dark, and lines are half transparent. Nothing is loaded, and
every text is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

import pyarrow as pa

from benkit.files.safe_names import printable

_LONGEST = 80  # letters of a cell
_STYLE = """<style>
.benkit { border-left: 0.3rem solid rgb(128 128 128 / 0.5); padding: 0.1rem 0.8rem; overflow-x: auto; }
.benkit.good { border-color: #1a7f37; }
.benkit.bad { border-color: #b3261e; }
.benkit p { margin: 0.3rem 0; overflow-wrap: anywhere; }
.benkit .muted { opacity: 0.75; }
.benkit table { border-collapse: collapse; font-size: 0.9em; margin: 0.4rem 0; }
.benkit tr { background: none; }
.benkit th, .benkit td { color: inherit; padding: 0.2rem 0.6rem; text-align: left; white-space: nowrap;
  border: 0; border-bottom: 1px solid rgb(128 128 128 / 0.4); }
.benkit .number { text-align: right; font-variant-numeric: tabular-nums; }
</style>"""

Mark = Literal["", "good", "bad"]
"""The colour of the edge: grey, green or red, as on the page of a report."""


def notebook_html(line: str, *parts: str, mark: Mark = "") -> str:
    """A line about a value, and what `notebook_table` and `notebook_note` have made, in one frame."""
    frame = f"benkit {mark}".strip()
    return f'<div class="{frame}">{_STYLE}<p>{_text(line)}</p>{"".join(parts)}</div>'


def notebook_note(text: str) -> str:
    """A remark below a table."""
    return f'<p class="muted">{_text(text)}</p>'


def notebook_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of a few rows; numbers are aligned right, and long texts cut."""
    rows = list(rows)
    kinds = [
        ' class="number"' if any(isinstance(row[place], int | float) for row in rows) else ""
        for place in range(len(names))
    ]
    heads = (f"<th{kind}>{_cell(name)}</th>" for name, kind in zip(names, kinds, strict=True))
    lines = (
        "".join(f"<td{kind}>{_cell(value)}</td>" for value, kind in zip(row, kinds, strict=True))
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{''.join(heads)}</tr></thead><tbody>{body}</tbody></table>"


def first_rows(table: pa.Table, rows: int) -> str:
    """The rows of a table, which are the first of so many."""
    columns = [column.to_pylist() for column in table.columns]
    shown = notebook_table(table.column_names, list(zip(*columns, strict=True)))
    return shown + notebook_note(f"{len(table):,} of {rows:,} rows") * (rows > len(table))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        value = f"{value:.6g}"
    elif isinstance(value, bytes):
        value = f"{len(value):,} bytes"
    elif isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    text = str(value)
    return _text(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _text(text: str) -> str:
    return escape(printable(text))
