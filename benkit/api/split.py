"""Train and test sides that a score can be trusted on."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import placed_metadata
from benkit.api.inputs.sources import MetadataLike, TableLike, naming
from benkit.engine.progress import Progress
from benkit.errors import InputFormatError
from benkit.files.remote.location import Location, LocationLike
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import EVERY_COLUMN
from benkit.option_types import with_option_types
from benkit.splits.evaluate import evaluate_splits
from benkit.splits.make import check_folds, split_folds, split_patches
from benkit.splits.split import Split
from benkit.splits.split_file import split_location


@with_option_types
def split(
    metadata: MetadataLike,
    *,
    test: float = 0.25,
    validation: float = 0.0,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
    id_column: str | None = None,
    patch_size: float | None = None,
    seconds: float | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    progress: Progress = None,
    output: LocationLike | None = None,
) -> Split:
    """Split patches into sides that share no ground, lie apart and hold the same mix, and judge them.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one; where ids do not
        tell the places of patches, with coordinates, and maybe dates, but labels need not be there.
        Or an inventory, which tells the places, alone or in a list with the metadata of its patches; in
        their place may be the folder of an archive whose labels lie beside the bands.
    test, validation : float
        Part of the patches on these sides; at least 0, together below 1.
    buffer : float
        Metres that patches of different sides keep between their centres, at least 0. Train patches
        that are nearer to another side are left out, and validation patches nearer to the test side;
        the parts are those of the patches that are kept.
    seed : int
        Another seed gives another split.
    group_by : str, optional
        A column of the metadata whose values are not parted: all patches with one value are on one
        side.
    compactness : float
        Weight of separation against balance, from 0.001 to 1000. More gives fewer and larger regions
        that lie further apart, less gives more of them and a closer balance.
    id_column : str, optional
        Column of the metadata whose texts name the patches in the split, such as ``s1_name`` for a
        sister archive; default ``patch_id``, which tells their places where it is there.
    patch_size : float, optional
        Edge in metres of the patches of a table with coordinates of points, which else have no extent.
    seconds : float, optional
        Begin the search again and again for so long and take the best, whose border is then settled, in
        the place of a fixed number of times. KeyboardInterrupt then ends the search with the best so
        far. Such a split is not repeatable, which its warnings and those of its evaluation say.
    exclude, exclude_kinds, where, tell
        As of `summary`.
    progress : bool or callable, optional
        Off, on (shown on stderr), or a callable with (done, of, bytes): searches that are done, of all,
        or with ``seconds`` these, and 0.
    output : path or URL, optional
        Where to write the split: a CSV with a column a side, or ``.parquet``, the metadata with a
        column ``split``.

    Returns
    -------
    Split
        With its evaluation; the same for the same arguments on every machine, but for ``seconds``.

    Raises
    ------
    InputFormatError
        If patches stay together in fewer units than there are sides, the buffer leaves none on one, or
        no patch is left to split.
    """
    target = None if output is None else split_location(output)
    choice = Choice(exclude, exclude_kinds, where, tell)
    others = EVERY_COLUMN if target and target.suffix == ".parquet" else choice.columns(group_by)
    known = placed_metadata(metadata, id_column, patch_size, choice, others=others)
    with naming(metadata, InputFormatError):
        made = split_patches(
            known,
            test=test,
            validation=validation,
            buffer=buffer,
            seed=seed,
            group_by=group_by,
            compactness=compactness,
            seconds=seconds,
            progress=progress,
        )
    return _written_and_judged(known, [made], [target])[0]


@with_option_types
def folds(
    metadata: MetadataLike,
    folds: int,
    *,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
    id_column: str | None = None,
    patch_size: float | None = None,
    seconds: float | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    progress: Progress = None,
    output: LocationLike | None = None,
) -> list[Split]:
    """Split patches several times for cross-validation: each is on the test side once.

    Parameters
    ----------
    metadata
        As of `split`.
    folds : int
        How many splits, 2 to 255.
    buffer, seed, group_by, compactness, id_column, patch_size, seconds, exclude, exclude_kinds, where, \
    tell, progress
        As of `split`; a buffer leaves patches out of train sides only.
    output : path or URL, optional
        As of `split`; the files of the folds have ``_1``, ``_2``, ... before the suffix.

    Returns
    -------
    list of Split
        Each with about one in ``folds`` of all patches on its test side, and its evaluation.

    Raises
    ------
    InputFormatError
        As of `split`.
    """
    check_folds(folds)
    files = None if output is None else fold_files(output, folds)
    choice = Choice(exclude, exclude_kinds, where, tell)
    others = EVERY_COLUMN if files and files[0].suffix == ".parquet" else choice.columns(group_by)
    known = placed_metadata(metadata, id_column, patch_size, choice, others=others)
    with naming(metadata, InputFormatError):
        made = split_folds(
            known,
            folds,
            buffer=buffer,
            seed=seed,
            group_by=group_by,
            compactness=compactness,
            seconds=seconds,
            progress=progress,
        )
    return _written_and_judged(known, made, files or [None] * folds)


def fold_files(output: LocationLike, folds: int) -> list[Location]:
    """Where `folds` writes each fold."""
    target = split_location(output)
    return [target.with_stem(f"{target.stem}_{fold}") for fold in range(1, folds + 1)]


def _written_and_judged(
    metadata: Metadata, splits: Sequence[Split], files: Sequence[Location | None]
) -> list[Split]:
    """Splits with their evaluations, written where a file is named."""
    for split, file in zip(splits, files, strict=True):
        if file is not None:
            split.write(file, metadata.table)
    found = evaluate_splits(metadata, {str(number): one for number, one in enumerate(splits)})
    return [
        Split(one, evaluation=replace(two, warnings=two.warnings + one.warnings))
        for one, two in zip(splits, found.values(), strict=True)
    ]
