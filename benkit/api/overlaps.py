"""Which patches show the same ground."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import is_inventory, local_inventory, placed_metadata
from benkit.api.inputs.sources import MetadataLike, TableLike, is_location, naming
from benkit.archive.listing import list_archive
from benkit.errors import InputFormatError, MissingInputError, OptionError
from benkit.files.file_kinds import FEATURE_SUFFIXES, TABLE_SUFFIXES
from benkit.files.remote.location import Location, LocationLike, as_location, require_suffix
from benkit.files.tables.features import write_features
from benkit.files.tables.table import as_table, require_columns, write_table
from benkit.files.tables.table_value import TableValue
from benkit.ground.coordinates import place_patches
from benkit.ground.footprint_table import feature_geometry
from benkit.ground.footprints import Footprints, are_patch_ids, require_same_corners
from benkit.ground.grid import sorted_unique
from benkit.ground.overlaps import (
    overlap_reasons,
    overlapping_pairs,
    pair_table,
    shared_areas,
    shared_ground,
)
from benkit.inventory.table.parts import holds_parts
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.metadata_file import lean_metadata
from benkit.metadata.patch_list import read_patch_table
from benkit.option_types import with_option_types
from benkit.reference_maps.map_files import polygon_files

PAIR_SUFFIXES = (*TABLE_SUFFIXES, *FEATURE_SUFFIXES)
"""How the name of a file of pairs may end."""


@dataclass(frozen=True, repr=False)
class Overlaps(TableValue):
    """Patches that show the same ground.

    Attributes
    ----------
    patch_ids : sequence of str
        All patches, in the order of the source; those of an archive or of reference maps sorted.
    pairs : (m, 2) int64 array
        Indices of the patches of each pair, the smaller first, in ascending order.
    table : pyarrow.Table or None
        A row a pair: ``first``, ``second``, the shared ``area_m2`` and the ``reason``; None if it was
        not asked for.
    left_out : tuple of str
        Folders of an archive whose names are no patch ids.
    """

    patch_ids: Sequence[str] | pa.ChunkedArray
    pairs: NDArray[np.int64]
    table: pa.Table | None
    left_out: tuple[str, ...] = ()

    @property
    def overlapping(self) -> int:
        """Patches that overlap at least one other."""
        return len(sorted_unique(self.pairs.ravel()))

    def _facts(self) -> str:
        patches = f"{len(self.patch_ids):,} patches, {self.overlapping:,} overlapping"
        return f"{patches}, {len(self.pairs):,} pairs"

    def _batches(self) -> pa.RecordBatchReader:
        """The table of pairs; their patches alone where it was not asked for."""
        if self.table is not None:
            return self.table.to_reader()
        ids = pa.table({"patch_id": self.patch_ids})["patch_id"]
        columns = [ids.take(pa.array(patches)) for patches in self.pairs.T]
        return pa.table(columns, ["first", "second"]).to_reader()


@with_option_types
def overlaps(
    source: MetadataLike,
    *,
    assume_same_crs: bool = False,
    areas: bool = False,
    patch_size: float | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    output: LocationLike | None = None,
) -> Overlaps:
    """Find all pairs of patches that show the same ground.

    Parameters
    ----------
    source : path, table or Metadata, or sequence of these
        Folder of GeoParquet reference maps, whose polygons tell; or what names patches, which tell by
        their names: metadata, footprints, or the folder of an archive; or a table with coordinates, or
        an inventory. Of a sequence, which is metadata, the rows are put together.
    assume_same_crs : bool
        Compare the coordinates of all reference maps as they are, as if of one CRS in metres.
    areas : bool
        Whether the table of pairs is wanted, with the ground that they share.
    patch_size : float, optional
        Edge in metres of the patches of a table with coordinates of points, which else have no extent.
    exclude, exclude_kinds, where, tell
        As of `summary`; not for reference maps.
    output : path, optional
        Where to write that table: Parquet, CSV or JSON, as the suffix says; or GeoJSON or a GeoPackage
        (.gpkg) with the shared ground itself, in longitude and latitude.

    Raises
    ------
    OptionError
        If the CRS is to be assumed and the source is no folder of reference maps, or shared ground is
        to be written; or if the name of the output ends with something else.
    """
    choice = Choice(exclude, exclude_kinds, where, tell)
    target = None if output is None else require_suffix(output, PAIR_SUFFIXES)
    drawn = target is not None and target.suffix in FEATURE_SUFFIXES
    if drawn and assume_same_crs:
        raise OptionError(
            f"{target}: with --assume-same-crs nothing tells where on the Earth the shared ground lies; "
            "write .parquet, .csv or .json"
        )
    place = as_location(source) if is_location(source) else None
    areas = areas or output is not None
    if isinstance(place, Path) and _holds_reference_maps(place):
        if choice:
            raise OptionError(
                f"{place}: --exclude and --where choose patches of metadata, an archive or an "
                "inventory, but this is a folder of reference maps"
            )
        found, ground = _of_maps(place, assume_same_crs, areas, drawn)
    elif assume_same_crs:
        raise OptionError(
            f"--assume-same-crs is for a folder of reference maps, and {place or 'the table'} is none"
        )
    else:
        with local_inventory(source) as local:
            found, ground = _of_names(local, place, areas, drawn, patch_size, choice)
    if target is not None:
        assert found.table is not None, "it was asked for"
        if ground is None:
            write_table(found.table, target)
        else:
            geometry = feature_geometry(ground)
            write_features(found.table.append_column("geometry", geometry), target, "EPSG:4326")
    return found


def _holds_reference_maps(path: Path) -> bool:
    """Whether a path is a folder, which can be listed, with GeoParquet files directly in it."""
    with suppress(OSError):
        return not holds_parts(path) and bool(polygon_files(path))
    return False


_Found = tuple[Overlaps, NDArray[np.object_] | None]
"""The overlaps and, if it is to be drawn, the ground that each pair shares."""


def _of_maps(folder: Path, assume_same_crs: bool, areas: bool, drawn: bool) -> _Found:
    from benkit.reference_maps.map_overlaps import map_overlaps, map_pair_table, map_shared_ground
    from benkit.reference_maps.read import read_reference_maps

    maps = read_reference_maps(folder)
    found = map_overlaps(maps, assume_same_crs=assume_same_crs, areas=areas)
    table = map_pair_table(maps, found) if areas else None
    ground = map_shared_ground(maps, found) if drawn else None
    return Overlaps(maps.patch_ids, found.pairs, table), ground


def _of_names(
    source: Any,
    where: Location | None,
    areas: bool,
    drawn: bool,
    patch_size: float | None,
    choice: Choice,
) -> _Found:
    left_out: tuple[str, ...] = ()
    if isinstance(source, Metadata | list | tuple) or is_inventory(source):
        known = placed_metadata(
            source, patch_size=patch_size, choice=choice, with_labels=False, others=choice.columns()
        )
        patches, places = known.table, known.ground
    else:
        if where is None:
            patches = as_table(source, "reference maps, an archive, metadata or footprints")
            require_columns(patches, ["patch_id"], "the table")
        elif where.is_dir():
            patches, left_out = _of_archive(where)
        else:
            patches = read_patch_table(where, lean_metadata(choice.columns()))
        if choice:
            patches = patches.filter(
                choice.select(patches["patch_id"], as_metadata(patches)).chosen
            )
        with naming(where or "the table", InputFormatError):
            places = place_patches(patches, patch_size)
        if isinstance(places, Footprints):
            require_same_corners(patches, places, where or "the table")
    pairs = overlapping_pairs(places)
    table = None
    if areas:
        reasons = pa.nulls(len(pairs), pa.string())
        if isinstance(places, Footprints):
            reasons = overlap_reasons(places.products, places.product[pairs])
        table = pair_table(patches["patch_id"], pairs, shared_areas(places, pairs), reasons)
    ground = shared_ground(places, pairs) if drawn else None
    return Overlaps(patches["patch_id"], pairs, table, left_out), ground


def _of_archive(root: Location) -> tuple[pa.Table, tuple[str, ...]]:
    """The patches of an archive by the names of their folders, and names that are no patch ids."""
    names = sorted({folder.patch_id for folder in list_archive(root).patches})
    if not names:
        raise MissingInputError(
            f"{root}: expected reference maps (*.parquet) or an archive, "
            "<root>/<product>/<patch id>/, but it holds neither"
        )
    ids = pa.array(names, pa.string())
    known = are_patch_ids(ids)
    if not known.any():  # the first of them is the error
        known[:] = True
    left_out = ids.filter(pa.array(~known)).to_pylist()
    return pa.table({"patch_id": ids.filter(pa.array(known))}), tuple(left_out)
