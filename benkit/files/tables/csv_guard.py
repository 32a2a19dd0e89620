"""Texts in CSV cells that no spreadsheet takes for a formula.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return.
An apostrophe before it makes it a text. A text that begins so already, with apostrophes before, gets
one more, so that taking one away gives every text back: ``open_cells(guard_cells(x)) == x``.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

_ENDS_CELL = re.compile('[,"\\r\\n]')
_FORMULA = r"('*[=+\-@\t\r])"


def guard_cells(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Put an apostrophe before each text that would be a formula; nulls stay."""
    return pc.replace_substring_regex(texts, rf"\A{_FORMULA}", r"'\1")


def open_cells(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Take the apostrophes of `guard_cells` away; everything else stays as it is."""
    return pc.replace_substring_regex(texts, rf"\A'{_FORMULA}", r"\1")


def quoted(text: str) -> str:
    """Put a text in quotes where a comma, a quote or a new line in it would end its cell."""
    return '"' + text.replace('"', '""') + '"' if _ENDS_CELL.search(text) else text
