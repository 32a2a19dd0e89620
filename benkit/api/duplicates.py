"""Patches with equal pixels."""

from benkit.api.inputs.sources import SourceLike, SplitLike, open_source
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import LocationLike, require_suffix
from benkit.files.tables.table import write_table
from benkit.inventory.contents import none_is_there, require_patches
from benkit.inventory.duplicates import Duplicates, find_duplicates
from benkit.inventory.table.inventory_file import Inventory
from benkit.option_types import with_option_types
from benkit.splits.split import Split


@with_option_types
def duplicates(
    source: SourceLike,
    split: SplitLike | None = None,
    *,
    output: LocationLike | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Duplicates:
    """Find the patches with equal pixels, in all bands or in some, whatever their names and encoding.

    Parameters
    ----------
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    split : path, URL, Split, table or mapping of str to sequence of str, optional
        Whose sides the copies may cross.
    output : path or URL, optional
        Where to write the table: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`, for an archive; progress also of the checks.

    Raises
    ------
    InputFormatError
        If the inventory does not tell (a new scan does), or holds no patch, or none of the split.
    OptionError
        If the name of the output ends with something else.
    """
    target = None if output is None else require_suffix(output, TABLE_SUFFIXES)
    sides = None if split is None else Split(split)
    with open_source(source, engine=engine, progress=progress) as inventory:
        require_patches(inventory)
        if sides is not None:
            _require_sides(inventory, sides)
        found = find_duplicates(inventory, None if sides is None else sides.table, progress)
    if target is not None:
        write_table(found.table, target)
    return found


def _require_sides(inventory: Inventory, split: Split) -> None:
    """Refuse a split that has no patch of an inventory on a side."""
    on_sides = split.table.filter(split.table["split"].is_valid())
    here = inventory.query(
        "SELECT 1 FROM inventory SEMI JOIN sides USING (patch_id) WHERE band IS NOT NULL LIMIT 1",
        sides=on_sides,
    )
    if not here:
        first = on_sides["patch_id"][:1].to_pylist()
        advice = "name the split of these patches"
        raise none_is_there(inventory, "patches of the split", len(on_sides), first, advice)
