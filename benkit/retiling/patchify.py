"""Cut the bands of a Sentinel-2 product into an archive of patches.

A patch is 1200 m x 1200 m; columns count from the tile's west edge and rows from its north edge. The
last half of a patch along the south and east edge of a tile (109.8 km) belongs to no patch.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benkit.domain.baselines import OFFSET, WITH_OFFSET, offset_of
from benkit.domain.layout import Band
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import (
    PATCH_METRES,
    PATCHES_PER_SIDE,
    PatchId,
    Product,
    parse_product,
)
from benkit.engine import Engine, run
from benkit.engine.progress import Progress, reporter
from benkit.errors import InputFormatError, OptionError, OutputError, PatchIdError
from benkit.files.remote.location import as_path
from benkit.files.writing.replace import replacing_folder
from benkit.option_types import with_option_types
from benkit.retiling.archive_metadata import read_own_metadata, write_own_metadata
from benkit.retiling.scene_files import BandCut, cut_band, find_bands
from benkit.retiling.source import opened_pixels
from benkit.tiff.raster import IDENTITY, RasterProfile, same_corner, same_pixel

GRID_ORIGINS = ("tile", "scene")
"""Origin of columns and rows: the tile's corner, or that of the bands."""

_AFTER_PRODUCT = re.compile(r"(_\d{8}T\d{6})?(\.SAFE)?", re.ASCII)
_LEVEL = "MSIL2A"


@dataclass(frozen=True)
class Patches:
    """Name of a product, which is that of its folder in the archive, and how much was written.

    ``offset`` is what its digital numbers have more than those of earlier baselines; None if the name
    does not tell.
    """

    product: str
    patches: int
    files: int
    offset: int | None = None


@with_option_types
def patchify(
    scene: str | os.PathLike[str],
    archive: str | os.PathLike[str],
    *,
    product: str | None = None,
    grid_origin: str = GRID_ORIGINS[0],
    remove_offset: bool = False,
    overwrite: bool = False,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Patches:
    """Cut the bands of one Level-2A product into patches.

    Writes ``<archive>/<product>/<patch id>/<patch id>_<band>.tif``: uncompressed uint16 GeoTIFFs in
    which 0 is NO_DATA, ready for `scan`. Each is read back and compared; the product's
    folder appears when all are there. Patches that a band does not fill are left out. The patches of
    all products, and where their grids begin, are kept in ``<archive>/metadata.parquet``, which
    `benkit.audit`, `footprints`, `overlaps` and `split` take.

    Parameters
    ----------
    scene : path
        Folder with one GeoTIFF or JP2 a band, somewhere below it; see `find_bands`.
    archive : path
        Folder of the archive; made if need be.
    product : str, optional
        Name of the product; if not given it is the folder's, with or without a time at the end and
        ``.SAFE``.
    grid_origin : str
        ``tile``: columns and rows are those of the tile's grid, on which the scene's corner must
        lie. ``scene``: they count from the scene's own corner; the
        archive's metadata tell it in the columns ``grid_west`` and ``grid_north`` (see
        `benkit.ground.footprints.locate_rows`), as ids alone do not give these footprints.
    remove_offset : bool
        Whether to take the offset of 1,000 off, which digital numbers have since baseline N0400 (see
        `benkit.domain.baselines`): NO_DATA stays, and what would be less than 1 is 1.
    overwrite : bool
        Whether a folder of the product may be replaced.
    engine : Engine, optional
        Where it is done; on one local process a core if not given.
    progress : bool or callable, optional
        Off, on (shown on stderr), or called after each band with (patches, by the part of their files
        that is there, of all, 0).

    Raises
    ------
    MissingInputError, RasterError
        If the folder or a band is not there or cannot be read.
    PatchIdError
        If the name is not that of a product.
    InputFormatError
        If the bands are not those of one Level-2A product, or lie off the grid.
    OutputError
        If the product's folder is there already, or cannot be written.
    """
    if grid_origin not in GRID_ORIGINS:
        raise OptionError(f"grid origin {grid_origin}: expected {' or '.join(GRID_ORIGINS)}")
    report = reporter(progress)
    folder = as_path(scene)
    paths = find_bands(folder)
    named = _product(folder, product)
    profiles = {}
    for name, path in paths.items():
        with opened_pixels(path) as source:
            profiles[name] = source.profile
    for name, profile in profiles.items():
        _require_band(paths[name], profile, BIGEARTHNET_S2.bands[name], named.tile.epsg)
    offset = offset_of(named.baseline)
    if remove_offset and not offset:
        raise OptionError(
            f"{folder}: expected a product of baseline {WITH_OFFSET} or later, whose digital numbers "
            f"have an offset to remove, but it is of {named.baseline}"
        )
    removed = OFFSET if remove_offset else 0
    corner, patches = _patch_grid(folder, profiles, named, grid_origin)
    root = as_path(archive)
    read_own_metadata(root)
    target = root / str(named)
    if target.exists() and not overwrite:
        raise OutputError(f"{target}: is there already; allow it to be overwritten or move it")
    with replacing_folder(target) as part:
        for patch_id in chain.from_iterable(patches):
            (part / patch_id).mkdir()
        cuts = [
            BandCut(paths[name], band, corner, patches, part, removed)
            for name, band in BIGEARTHNET_S2.bands.items()
        ]
        cuts.sort(key=lambda cut: cut.band.pixel_size)  # the largest bands first
        files, count = 0, len(patches) * len(patches[0])
        for written in run(cut_band, cuts, engine):
            files += written
            report(files // len(BIGEARTHNET_S2.bands), count, 0)
        assert files == count * len(BIGEARTHNET_S2.bands), "every patch has a file of each band"
        origin = corner if grid_origin == "scene" else None
        offset = None if offset is None else offset - removed
        write_own_metadata(root, str(named), list(chain.from_iterable(patches)), origin, offset)
    return Patches(str(named), count, files, offset)


def _product(folder: Path, name: str | None) -> Product:
    """The product that the folder or the caller names."""
    full = name or folder.resolve().name
    parts = re.fullmatch(r"(.*_T\w{5})(.*)", full, re.ASCII | re.DOTALL)
    if parts and _AFTER_PRODUCT.fullmatch(parts[2]):
        full = parts[1]
    try:
        product = parse_product(full)
    except PatchIdError as error:
        raise PatchIdError(
            f"{folder}: {error}; name the folder after its product, or give the product's name"
        ) from None
    if product.level != _LEVEL:
        raise InputFormatError(
            f"{folder}: expected a product of level {_LEVEL}, as archives hold, not {product.level}"
        )
    return product


def _require_band(path: Path, profile: RasterProfile, band: Band, epsg: int) -> None:
    """Refuse a raster that is not a band as the archive has it."""
    for what, came, expected in (
        ("number of bands", profile.bands, 1),
        ("data type", profile.dtype.name, band.dtype),
        ("NO_DATA value", band.nodata if profile.nodata is None else profile.nodata, band.nodata),
        ("CRS of the tile", f"EPSG:{profile.epsg}" if profile.epsg else "none", f"EPSG:{epsg}"),
    ):
        if came != expected:
            raise InputFormatError(f"{path}: expected {what} {expected}, but it is {came}")
    if not same_pixel(profile.pixel_size or 0, band.pixel_size):
        a, b, _, d, e, _ = profile.transform or IDENTITY
        raise InputFormatError(
            f"{path}: expected pixels of {band.pixel_size} m, north-up, but they are "
            f"{a:.15g} m x {-e:.15g} m{' and rotated' if b or d else ''}"
        )


def _corner(folder: Path, profiles: Mapping[str, RasterProfile]) -> tuple[float, float]:
    """Upper-left corner that all bands share but for rounding."""
    corners = {name: profile.corner() for name, profile in profiles.items()}
    first = next(iter(corners))
    for name, corner in corners.items():
        if not same_corner(corner, corners[first]):
            raise InputFormatError(
                f"{folder}: expected bands that start at the same place, but {first} starts at "
                f"{corners[first][0]}, {corners[first][1]} and {name} at {corner[0]}, {corner[1]}"
            )
    return corners[first]


def _patch_grid(
    folder: Path, profiles: Mapping[str, RasterProfile], product: Product, grid_origin: str
) -> tuple[tuple[float, float], list[list[str]]]:
    """Corner, and ids of the patches that every band holds whole, row by row from the north-west."""
    corner = _corner(folder, profiles)
    columns = min(
        profile.width // BIGEARTHNET_S2.bands[name].side for name, profile in profiles.items()
    )
    rows = min(
        profile.height // BIGEARTHNET_S2.bands[name].side for name, profile in profiles.items()
    )
    if not columns or not rows:
        raise InputFormatError(
            f"{folder}: holds no whole patch of {PATCH_METRES} m x {PATCH_METRES} m"
        )
    first_column, first_row = (
        (0, 0) if grid_origin == "scene" else _position_in_tile(folder, product, corner)
    )
    if max(first_column + columns, first_row + rows) > PATCHES_PER_SIDE:
        raise InputFormatError(
            f"{folder}: reaches beyond a tile, which has {PATCHES_PER_SIDE} x {PATCHES_PER_SIDE} "
            f"patches: {columns} x {rows} from column {first_column}, row {first_row}"
        )
    if grid_origin == "tile":  # without what other tools have rounded
        place = PatchId(product, first_column, first_row).footprint
        corner = float(place.x), float(place.y)
    return corner, [
        [str(PatchId(product, first_column + j, first_row + i)) for j in range(columns)]
        for i in range(rows)
    ]


def _position_in_tile(
    folder: Path, product: Product, corner: tuple[float, float]
) -> tuple[int, int]:
    """Column and row of the patch that starts in the scene's corner."""
    tile = product.tile
    column = round((corner[0] - tile.west) / PATCH_METRES)
    row = round((tile.north - corner[1]) / PATCH_METRES)
    meant = tile.west + PATCH_METRES * column, tile.north - PATCH_METRES * row
    if not same_corner(corner, meant) or column < 0 or row < 0:
        raise InputFormatError(
            f"{folder}: its corner {corner[0]}, {corner[1]} is not on the patch grid of tile "
            f"{tile.name}, which goes east and south from {tile.west}, {tile.north} in steps of "
            f"{PATCH_METRES} m; cut it there, or let columns and rows count from its own corner "
            "(--grid-origin scene)"
        )
    return column, row
