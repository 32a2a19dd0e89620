"""Metadata of an export: to choose by, and to write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.sources import MetadataLike, as_metadata
from benkit.domain.baselines import ADDED_OFFSET
from benkit.domain.layout import Layout
from benkit.inventory.audit import metadata_of
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import metadata_table
from benkit.metadata.metadata_rows import MetadataRows


@dataclass(frozen=True)
class ExportMetadata:
    """Metadata as they were given.

    Attributes
    ----------
    given : path, URL, Metadata or table, or sequence of these
    known : Metadata or None
        What patches are chosen by; None where nothing is asked of them any more.
    rows : MetadataRows
        All columns, to be written.
    looked_at : sequence of str
        Columns that are held beside those of places and labels.
    id_column : str
        The column that names the patches of the archive.
    """

    given: MetadataLike
    known: Metadata | None
    rows: MetadataRows
    looked_at: Sequence[str]
    id_column: str = "patch_id"

    @classmethod
    def of(cls, metadata: MetadataLike, choice: Choice) -> "ExportMetadata":
        """Read and check what is given, of which a choice may ask."""
        looked_at = [*choice.columns(), ADDED_OFFSET]
        known = as_metadata(metadata, others=looked_at)
        return cls(metadata, known, MetadataRows.of(metadata, known), looked_at)

    def of_layout(self, layout: Layout, *, is_asked: bool) -> "ExportMetadata":
        """The same by the ids of the patches of a layout; what is not asked is not held."""
        known, column = self.known, layout.metadata_id
        assert known is not None, "metadata are named before they are let go"
        if column != "patch_id" and column not in known.table.column_names:
            # not held of large metadata
            known = as_metadata(self.given, others=[*self.looked_at, column])
        if column != "patch_id" and column in known.table.column_names:
            table = metadata_table(metadata_of(layout, known.table), others=self.looked_at)
            known = Metadata.of_table(table)
        else:
            column = "patch_id"
        return replace(self, known=known if is_asked else None, id_column=column)
