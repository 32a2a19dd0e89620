"""Train and test sides that a score can be trusted on."""

from collections.abc import Sequence
from dataclasses import replace

from benkit.api.sources import MetadataLike, as_metadata, naming
from benkit.errors import OptionError
from benkit.files.remote.location import Location, LocationLike, as_location
from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_splits
from benkit.splits.make import Split, split_folds, split_patches
from benkit.splits.split_file import write_sides, write_split_column

__all__ = ["fold_files", "folds", "split"]


def split(
    metadata: MetadataLike,
    *,
    test: float = 0.25,
    validation: float = 0.0,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
    output: LocationLike | None = None,
) -> Split:
    """Split patches into sides that share no ground, lie apart and hold the same mix, and judge them.

    Parameters
    ----------
    metadata : path, address or pyarrow.Table
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one.
    test, validation, buffer, seed, group_by, compactness
        As of `benkit.split_patches`.
    output : path or address, optional
        Where to write the split: a CSV with a column a side, or ``.parquet``, the metadata with a
        column ``split``.

    Returns
    -------
    Split
        With its evaluation.

    Raises
    ------
    OptionError
        If an argument makes no sense.
    MissingInputError, InputFormatError, PatchIdError
        If the metadata is not there, damaged, or names a patch that is none.
    """
    target = None if output is None else _split_file(output)
    known = as_metadata(metadata)
    with naming(metadata):
        made = split_patches(
            known,
            test=test,
            validation=validation,
            buffer=buffer,
            seed=seed,
            group_by=group_by,
            compactness=compactness,
        )
    return _written_and_judged(known, [made], [target])[0]


def folds(
    metadata: MetadataLike,
    folds: int,
    *,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
    output: LocationLike | None = None,
) -> list[Split]:
    """Split patches several times for cross-validation: each is on the test side once.

    Parameters
    ----------
    metadata
        As of `split`.
    folds : int
        How many splits, at least 2.
    buffer, seed, group_by, compactness
        As of `benkit.split_folds`.
    output : path or address, optional
        As of `split`; the files of the folds have ``_1``, ``_2``, ... before the suffix.

    Returns
    -------
    list of Split
        Each with its evaluation.

    Raises
    ------
    OptionError, MissingInputError, InputFormatError, PatchIdError
        As of `split`.
    """
    files = None if output is None else fold_files(output, folds)
    known = as_metadata(metadata)
    with naming(metadata):
        made = split_folds(
            known,
            folds,
            buffer=buffer,
            seed=seed,
            group_by=group_by,
            compactness=compactness,
        )
    return _written_and_judged(known, made, files or [None] * folds)


def fold_files(output: LocationLike, folds: int) -> list[Location]:
    """Where `folds` writes each fold.

    Raises
    ------
    OptionError
        If the name is not that of a split.
    """
    target = _split_file(output)
    return [target.with_stem(f"{target.stem}_{fold}") for fold in range(1, folds + 1)]


def _split_file(output: LocationLike) -> Location:
    target = as_location(output)
    if target.suffix not in (".csv", ".parquet"):
        raise OptionError(f"{target}: expected a name that ends with .csv or .parquet")
    return target


def _written_and_judged(
    metadata: Metadata, splits: Sequence[Split], files: Sequence[Location | None]
) -> list[Split]:
    """Splits with their evaluations, for which what is known of the patches is gathered once."""
    for split, file in zip(splits, files, strict=True):
        if file is None:
            continue
        if file.suffix == ".parquet":
            write_split_column(metadata.table, split.side.tolist(), file)
        else:
            write_sides(split.sides(), file)
    sides = {str(number): split.sides() for number, split in enumerate(splits)}
    found = evaluate_splits(metadata, sides).values()
    return [replace(split, evaluation=one) for split, one in zip(splits, found, strict=True)]
