"""What values that are a table have in common: a line that says what they are, and rows on request."""

import pyarrow as pa

from benkit.files.tables.notebook import Mark, first_rows, notebook_html

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

    def _head(self, rows: int) -> tuple[pa.Table, int]:
        """The first rows, at most so many, and how many there are."""
        table = self._batches().read_all()
        return table.slice(0, rows), len(table)

    def _mark(self) -> Mark:
        """Whether all is well, where a value tells that."""
        return ""

    def __repr__(self) -> str:
        """What it is and how much, in a line."""
        return f"{type(self).__name__}: {self._facts()}"

    def _repr_html_(self) -> str:
        return notebook_html(repr(self), first_rows(*self._head(_SHOWN)), mark=self._mark())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """All rows, for anything that reads Arrow."""
        return self._batches().__arrow_c_stream__(requested_schema)
