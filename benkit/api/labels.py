"""Classes and land cover of reference maps."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.sources import MetadataLike, TableLike, as_metadata
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import OptionError
from benkit.files.remote.location import LocationLike, as_path
from benkit.files.tables.table import write_table
from benkit.option_types import with_option_types
from benkit.reference_maps.labels import LabelSets, compare_labels, land_cover_labels
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.reference_maps.map_files import find_maps


@with_option_types
def labels(
    *folders: str | os.PathLike[str],
    min_share: float = 0.0,
    max_unlabelled: float | None = None,
    metadata: MetadataLike | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    output: LocationLike | None = None,
    differences: LocationLike | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> LabelSets:
    """Labels of each patch, by the ground that the classes take on its reference map.

    Parameters
    ----------
    *folders : path
        With reference maps somewhere below: GeoParquet files or GeoTIFFs.
    min_share : float
        Least share of a patch's ground that a class must have, all its codes together, to be a label.
        0, as the builders of BigEarthNet v2.0 have it, counts whatever is in the map.
    max_unlabelled : float, optional
        Leave out patches with this share unlabelled or more; the builders had 0.25.
    metadata : path, URL, Metadata or table, or sequence of these, optional
        With whose labels those of the maps are compared, and whose columns ``where`` may name.
    exclude, exclude_kinds, where, tell
        As of `summary`.
    output, differences : path or URL, optional
        Where to write the labels, and those that differ: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`; if the engine does not tell the number of workers, few maps are read in
        this process.

    Raises
    ------
    OptionError
        If there is no folder, or differences are to be written, but there is no metadata.
    InputFormatError
        If none of the maps is of a patch of the metadata, or none is left.
    """
    if not folders:
        raise OptionError("expected at least one folder of reference maps, but there is none")
    if differences is not None and metadata is None:
        raise OptionError(
            "--differences needs --metadata FILE, with whose labels those of the maps are compared"
        )
    choice = Choice(exclude, exclude_kinds, where, tell)
    known = None if metadata is None else as_metadata(metadata)
    gone: set[str] = set()
    if choice:
        maps = pa.array([*find_maps(*map(as_path, folders))], pa.string())
        gone = {*choice.select(maps, known).left_out_ids.to_pylist()}
    cover = measure_land_cover(*folders, without=gone, engine=engine, progress=progress)
    found = land_cover_labels(cover, min_share=min_share, max_unlabelled=max_unlabelled)
    if output is not None:
        write_table(found.table, output)
    if known is None:
        return found
    if choice:
        known = known.filter(choice.apply(known.table["patch_id"], known).chosen)
    comparison = compare_labels(found, known.table)
    if differences is not None:
        write_table(comparison.differences, differences)
    return replace(found, comparison=comparison)
