"""What a paper has to say of its data, and files of it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from benkit.api.evaluate import aligned_split
from benkit.api.inputs.places import are_told, metadata_beside
from benkit.api.inputs.sources import (
    MetadataLike,
    SourceLike,
    SplitLike,
    as_metadata,
    naming,
    open_source,
)
from benkit.datasets.cards.card import Card
from benkit.datasets.cards.card_files import CARD_FILES, CARD_SUFFIXES, card_contents
from benkit.datasets.cards.make_card import make_card
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import InputFormatError, OptionError
from benkit.files.remote.location import (
    Location,
    LocationLike,
    RemotePath,
    as_location,
)
from benkit.files.writing.fill_folder import filling_folder
from benkit.files.writing.replace import write_bytes
from benkit.inventory.contents import require_patches
from benkit.option_types import with_option_types
from benkit.splits.split import Split


@with_option_types
def card(
    source: SourceLike,
    metadata: MetadataLike,
    split: SplitLike | None = None,
    *,
    output: LocationLike | None = None,
    name: str | None = None,
    license: str | None = None,
    cite_as: str | None = None,
    published: str | None = None,
    url: str | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Card:
    """Hashes, counts, statistics, class weights and split of a data set, the same bytes everywhere.

    Parameters
    ----------
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one.
    split : path, URL, Split, table or mapping, optional
        On whose train side statistics and weights are computed, and which is judged.
    output : path or URL, optional
        What to write: JSON (.json), a page (.md), Croissant (.jsonld) or STAC items (.parquet), as the
        suffix says; or a folder, which gets `CARD_FILES`, in the place of earlier ones.
    name, license, cite_as, published, url : str, optional
        What the data set is called, its license, how to cite it, the date of its publication
        (YYYY-MM-DD) and its page, as Croissant wants them.
    engine, progress
        As of `benkit.scan`, for an archive.

    Raises
    ------
    InputFormatError
        If the inventory does not tell (a new scan does), none of its patches is in the metadata or on
        the train side, or the metadata does not hold a patch of the split.
    OptionError
        If the name of the output ends with something else.
    """
    target = None if output is None else card_output(output)
    about = {"name": name, "license": license, "cite_as": cite_as, "url": url}
    about["published"] = None if published is None else _day(published)
    given = metadata if are_told(metadata) else as_metadata(metadata)
    with open_source(source, engine=engine, progress=progress) as inventory:
        require_patches(inventory)
        known = metadata_beside(inventory, given)
        own = None if split is None else aligned_split(Split(split), known, split)
        with naming(metadata):
            made = make_card(inventory, known, own, about)
        if target is None:
            return made
        with naming(metadata, InputFormatError):
            names = card_names(target)
            contents = card_contents(made, inventory, known, own, names)
    _write(contents, target)
    return made


def _day(text: str) -> str:
    """The same date; an `OptionError` if it is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise OptionError(f"--published {text}: expected a date such as 2024-07-31") from None


def card_output(output: LocationLike) -> Location:
    """Where a card can be written: a file by its suffix, or a folder; refused before any work."""
    target = as_location(output)
    if target.suffix in CARD_SUFFIXES:
        return target
    if (target.suffix and not target.is_dir()) or target.is_file():
        raise OptionError(
            f"{target}: expected a name that ends with {', '.join(CARD_SUFFIXES)}, or that of a folder"
        )
    if isinstance(target, RemotePath):
        raise OptionError(
            f"{target}: expected a folder on this machine, or a name that ends with "
            f"{', '.join(CARD_SUFFIXES)}"
        )
    return target


def card_names(target: Location) -> tuple[str, ...]:
    """Names of the files that are written there."""
    return (target.name,) if target.suffix in CARD_SUFFIXES else CARD_FILES


def _write(contents: Mapping[str, bytes], target: Location) -> None:
    if target.suffix in CARD_SUFFIXES:
        write_bytes(contents[target.name], target)
        return
    with filling_folder(Path(str(target)), list(contents), overwrite=True) as new:
        for name, content in contents.items():
            write_bytes(content, new / name)
