"""The card of what is exported."""

from benkit.datasets.cards.card_files import CARD_FILES, card_contents
from benkit.datasets.cards.make_card import make_card
from benkit.datasets.exporting.write_archive import ExportPart, archive_folder
from benkit.files.writing.staging import temporary_folder
from benkit.inventory.table.in_tar import files_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import writing_inventory
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split


def export_card(inventory: Inventory, part: ExportPart, *, has_split: bool) -> dict[str, bytes]:
    """The files of the card of a part of an inventory, by name.

    The split is that of the column ``split`` of the part's metadata.

    Raises
    ------
    InputFormatError
        If the inventory does not tell of pixels, or no patch is in the metadata or on the train side.
    """
    assert part.metadata is not None, "a card tells of labels"
    inventory.require_pixel_hashes()
    table = part.metadata.table
    metadata = Metadata(table)
    split = Split(table).aligned(metadata.patch_ids) if has_split else None
    with temporary_folder() as folder:
        with writing_inventory(folder / "inventory.parquet", inventory.layout) as writer:
            for rows, _ in files_of(inventory, part.patches):
                writer.write(rows)
        exported = Inventory(folder / "inventory.parquet", inventory.name)
        made = make_card(exported, metadata, split)
        place = f"{archive_folder(inventory.layout)}/"
        return card_contents(made, exported, metadata, split, CARD_FILES, archive=place)
