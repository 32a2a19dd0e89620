"""What values that are a table have in common: a line that says what they are, and rows on request."""

from html import escape

import pyarrow as pa

_SHOWN = 5  # rows in a notebook


class TableValue:
    """A value that shows itself in a line, its first rows in a notebook, and is a table to Arrow.

    ``polars.DataFrame(value)``, ``pyarrow.table(value)`` and so on read it through the Arrow PyCapsule
    interface, pandas from 3.0 on as ``pandas.DataFrame.from_arrow(value)``.
    """

    def _facts(self) -> str:
        """How much there is, for the line."""
        raise NotImplementedError

    def _batches(self) -> pa.RecordBatchReader:
        """The rows: those of the attribute ``table`` where a value has no others."""
        return self.table.to_reader()  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        """What it is and how much, in a line."""
        return f"{type(self).__name__}: {self._facts()}"

    def _repr_html_(self) -> str:
        first = next(iter(self._batches()), None)
        rows = "" if first is None else first.slice(0, _SHOWN).to_pandas()._repr_html_()
        return f"<p>{escape(repr(self))}</p>{rows}"

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """All rows, for anything that reads Arrow."""
        return self._batches().__arrow_c_stream__(requested_schema)
