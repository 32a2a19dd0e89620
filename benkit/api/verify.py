"""Whether data and split are those of a card."""

from benkit.api.inputs.places import metadata_beside
from benkit.api.inputs.sources import MetadataLike, SourceLike, SplitLike, as_metadata, open_source
from benkit.datasets.cards.card import Card
from benkit.datasets.cards.verification import Verification, compare_with_card
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.files.remote.location import LocationLike, as_location
from benkit.files.tables.table import read_content
from benkit.inventory.contents import require_patches
from benkit.option_types import with_option_types
from benkit.splits.split import Split


@with_option_types
def verify(
    card: LocationLike | Card,
    source: SourceLike,
    metadata: MetadataLike | None = None,
    split: SplitLike | None = None,
    *,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Verification:
    """Hold an archive, and its labels and split if they are given, against a card.

    Parameters
    ----------
    card : path, URL or Card
        The JSON file that `benkit.card` writes.
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    metadata : path, URL, Metadata or table, or sequence of these, optional
        Whose labels are to be those of the card.
    split : path, URL, Split, table or mapping, optional
        Whose sides are to be those of the card.
    engine, progress
        As of `benkit.scan`, for an archive.

    Raises
    ------
    InputFormatError
        If the card is damaged or of another version, or the inventory does not tell (a new scan does).
    """
    if isinstance(card, Card):
        known = card
    else:
        known = Card.from_json(read_content(as_location(card)), str(card))
    given = None if metadata is None else as_metadata(metadata)
    sides = None if split is None else Split(split)
    with open_source(source, engine=engine, progress=progress) as inventory:
        require_patches(inventory)
        described = None if given is None else metadata_beside(inventory, given)
        return compare_with_card(known, inventory, described, sides)
