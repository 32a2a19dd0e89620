"""The files of a card, in memory."""

from collections.abc import Sequence
from pathlib import PurePath

from benkit.datasets.cards.card import Card
from benkit.datasets.cards.card_page import card_page
from benkit.datasets.cards.croissant import croissant
from benkit.datasets.cards.stac_items import stac_items
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split

CARD_FILES = ("card.json", "card.md", "footprints.parquet", "card.jsonld")
"""JSON, a Markdown page, STAC items in GeoParquet, and Croissant, which tells of the others."""

CARD_SUFFIXES = tuple(PurePath(name).suffix for name in CARD_FILES)
"""How the name of a single one may end, by which it is known."""


def card_contents(
    card: Card,
    inventory: Inventory,
    metadata: Metadata,
    split: Split | None,
    names: Sequence[str],
    *,
    archive: str = "",
) -> dict[str, bytes]:
    """The bytes of some files by name, each of which says by its suffix what it is.

    ``archive`` is the folder of the archive, seen from the files; see `stac_items`.
    """
    made: dict[str, bytes] = {}
    for name in names:
        kind = PurePath(name).suffix
        if kind == ".json":
            made[name] = card.to_json().encode()
        elif kind == ".md":
            made[name] = card_page(card).encode()
        elif kind == ".parquet":
            options = {"file_name": name, "archive": archive}
            made[name] = stac_items(card, inventory, metadata, split, **options)
        else:
            made[name] = croissant(card, made).encode()
    return made
