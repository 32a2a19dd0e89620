"""Judge a split: shared ground, distances, balance."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import known_metadata, require_places
from benkit.api.inputs.sources import MetadataLike, SplitLike, TableLike, is_location, naming
from benkit.errors import InputFormatError
from benkit.files.remote.location import as_location, as_path, require_suffix
from benkit.files.tables.table import write_table
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import metadata_name
from benkit.option_types import with_option_types
from benkit.splits.correlogram import label_correlogram
from benkit.splits.evaluate import (
    evaluate_splits,
    has_other_official,
    official_split,
    splits_beside,
)
from benkit.splits.evaluation import Evaluation
from benkit.splits.split import Split

AGAINST = ("random", "official")
"""Splits that another one can be compared with."""

FIGURES = ("map.png", "labels.png", "distances.png")
"""Files that are drawn."""

_PICTURES = (".png", ".svg", ".pdf")
CORRELOGRAM_SUFFIXES = (*_PICTURES, ".json", ".csv", ".parquet")
"""How the name of a correlogram may end."""


@with_option_types
def evaluate(
    split: SplitLike,
    metadata: MetadataLike | None = None,
    *,
    against: Collection[str] = (),
    validation_as_train: bool = False,
    figures: str | os.PathLike[str] | None = None,
    correlogram: str | os.PathLike[str] | None = None,
    seed: int = 0,
    id_column: str | None = None,
    patch_size: float | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
) -> Evaluation:
    """Judge how far the score on the test side of a split can be trusted.

    Parameters
    ----------
    split : path, URL, Split, table or mapping of str to sequence of str
        A CSV with the columns train, test and maybe validation, a table with the columns ``patch_id``
        and ``split``, or patch ids by side.
    metadata : path, URL, Metadata or table, or sequence of these, optional
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one, or an inventory,
        as of `split`; if not given, the table of the split.
    against : collection of str
        Compare with these of `AGAINST`: a random split of the same sizes, the column ``split`` of the
        metadata.
    validation_as_train : bool
        Judge the test side against train and validation together.
    figures : path, optional
        Folder to draw `FIGURES` into, beside a random split and the official one where there is one.
    correlogram : path, optional
        File to write the correlogram of the labels to: at which distance patches stop being alike. Its
        name ends with one of `CORRELOGRAM_SUFFIXES`: a picture, or a table.
    seed : int
        Of the random split.
    id_column : str, optional
        Column of the metadata whose texts name the patches in the split, such as ``s1_name`` for a
        sister archive; default ``patch_id``, which tells their places where it is there.
    patch_size : float, optional
        Edge in metres of the patches of a table with coordinates of points, which else have no extent.
    exclude, exclude_kinds, where, tell
        As of `summary`: what is left out is on no side.

    Raises
    ------
    InputFormatError
        If the metadata does not hold a patch of the split.
    OptionError
        If the name of the correlogram ends with something else.
    """
    drawn = None if correlogram is None else _correlogram_file(correlogram)
    choice = Choice(exclude, exclude_kinds, where, tell)
    file = as_location(split) if is_location(split) else None
    source: Any = split if metadata is None else metadata
    name = metadata_name(source)
    known = known_metadata(source, id_column, patch_size, tell=tell, others=choice.columns())
    is_other = metadata is not None and not (
        metadata is split or (is_location(metadata) and as_location(metadata) == file)
    )
    own = (
        Split(split, id_column=known.id_column) if is_other else official_split(known, source=name)
    )
    if validation_as_train:
        own = own.without_validation()
    own = aligned_split(own, known, split)
    if choice:
        known = choice.of_metadata(known)
        own = own.aligned(known.patch_ids, strict=False)
    require_places(known, source)
    wanted = {*against}
    if figures is not None:
        wanted |= {"random", *["official"] * has_other_official(known, own)}
    splits = {"": own, **splits_beside(known, own, wanted, seed=seed, source=name)}
    with naming(source):
        found = evaluate_splits(known, splits)
    if figures is not None:
        title = "this split" if file is None else file.name
        _draw(known, own, {name or title: one for name, one in found.items()}, Path(figures))
    judged = replace(found[""], against={one: found[one] for one in AGAINST if one in against})
    if drawn is None:
        return judged
    judged = replace(judged, correlogram=label_correlogram(known))
    _write_correlogram(judged, drawn)
    return judged


def aligned_split(split: Split, metadata: Metadata, source: object) -> Split:
    """A split, made of ``source``, with the patches of some metadata as its rows.

    Raises
    ------
    InputFormatError
        If a patch on a side is not in the metadata.
    """
    try:
        return split.aligned(metadata.patch_ids)
    except InputFormatError as error:
        named = f"{as_location(source)}: {error}" if is_location(source) else str(error)
        raise InputFormatError(f"{named}; name the metadata that the split was made from") from None


def _correlogram_file(name: str | os.PathLike[str]) -> Path:
    require_suffix(as_path(name), CORRELOGRAM_SUFFIXES)
    return as_path(name)


def _write_correlogram(judged: Evaluation, path: Path) -> None:
    from benkit.files.writing.figure import write_figure
    from benkit.reporting.figures.correlogram_figure import correlogram_figure

    assert judged.correlogram is not None
    if path.suffix in _PICTURES:
        write_figure(correlogram_figure(judged.correlogram, judged.test.nearest_train_m), path)
    else:
        write_table(judged.correlogram.table, path)


def _draw(metadata: Metadata, split: Split, found: dict[str, Evaluation], folder: Path) -> None:
    from benkit.files.writing.figure import write_figure
    from benkit.reporting.figures.split_figures import split_figures

    figures = split_figures(metadata, split, found).values()
    for name, figure in zip(FIGURES, figures, strict=True):
        write_figure(figure, folder / name)
