"""The metadata of the patches of an export."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from benkit.files.limits import LARGEST_TABLE
from benkit.files.remote.location import Location
from benkit.files.tables.parquet import too_large
from benkit.files.tables.parquet_blocks import write_parquet_blocks
from benkit.files.tables.table import one_array, write_table
from benkit.files.writing.replace import replacing
from benkit.metadata.metadata_rows import MetadataRows
from benkit.metadata.patch_list import IdIndex
from benkit.splits.split import Split


@dataclass(frozen=True, eq=False)
class PartMetadata:
    """The rows of metadata that are of some patches.

    Attributes
    ----------
    rows : MetadataRows
        Of any patches.
    patches : pyarrow.StringArray
        Those whose rows are meant.
    id_column : str
        The column of the metadata that names the patches.
    split : Split or None
        Whose sides become the column ``split``.
    """

    rows: MetadataRows
    patches: pa.StringArray
    id_column: str = "patch_id"
    split: Split | None = None

    def blocks(self) -> Iterator[pa.Table]:
        """The rows, some at a time, at least one table."""
        wanted, sides = IdIndex(self.patches), None
        if self.split is not None:
            of_split = self.split.table
            sides = IdIndex(one_array(of_split["patch_id"])), one_array(of_split["split"])
        for some in self.rows.blocks():
            ids = one_array(some[self.id_column].cast(pa.string()))
            if sides is not None:
                index, side = sides
                own = [name for name in some.column_names if name != "split"]
                some = some.select(own).append_column("split", side.take(index.rows(ids)))
            yield some.filter(pa.array(wanted.has(ids)))

    @property
    def table(self) -> pa.Table:
        """All rows at once; an `InputFormatError` if they are more than `LARGEST_TABLE`."""
        found, size = [], 0
        for some in self.blocks():
            found.append(some)
            size += some.nbytes
            if size > LARGEST_TABLE and not self.rows.is_held:
                raise too_large(self.rows.name, "the rows of the exported patches are larger")
        return pa.concat_tables(found)

    def write(self, path: Location) -> int:
        """Write the rows as Parquet, with all columns; returns how many there are."""
        if self.rows.is_held:
            table = self.table
            write_table(table, path)
            return len(table)
        with replacing(path) as part:
            return write_parquet_blocks(self.blocks(), part)
