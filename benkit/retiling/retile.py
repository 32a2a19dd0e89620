"""Cut a raster into parts that keep everything but its size and position."""

import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benkit.engine import Engine
from benkit.errors import OptionError
from benkit.files.remote.location import as_path
from benkit.files.writing.fill_folder import filling_folder
from benkit.option_types import with_option_types
from benkit.retiling.attributes import NODATA
from benkit.retiling.source import opened_pixels, pixels_of_metres
from benkit.retiling.window import Window
from benkit.retiling.write_parts import COMPRESSIONS, kept_by_parts, part_form, write_parts
from benkit.tiff.raster import RasterProfile

__all__ = [
    "COMPRESSIONS",
    "EDGES",
    "Retiling",
    "part_suffixes",
    "parts_of_grid",
    "parts_of_size",
    "retile",
]

EDGES = ("keep", "drop", "pad")
"""Ways with parts of a given size that the raster does not fill; the first is the default."""

_ROUNDING = 1e-9  # of coordinates, and a millionth of a pixel
_LETTERS = string.ascii_uppercase


@dataclass(frozen=True)
class Retiling:
    """The files that re-tiling has written.

    Attributes
    ----------
    files : tuple of Path
        The parts, row by row.
    lacks : str
        What is missing for the raster, and so its parts, to say where they lie: ``a CRS``, ``a
        transform`` or ``a georeference``; empty if it says so, be it by ground control points, RPCs or
        a geolocation array.
    unmarked_padding : bool
        Whether parts were padded with 0 that no NO_DATA value marks.
    lost : tuple of str
        What describes the raster, but is not, or not all, in its parts, as a GeoTIFF cannot hold it.
    """

    files: tuple[Path, ...]
    lacks: str
    unmarked_padding: bool
    lost: tuple[str, ...] = ()

    @property
    def georeferenced(self) -> bool:
        """Whether the raster says where it lies."""
        return not self.lacks


Span = tuple[int, int]  # first row or column, and how many


def parts_of_grid(
    height: int, width: int, rows: int, columns: int, *, overlap: int = 0
) -> list[Window]:
    """Parts of a raster in a grid, row by row from the north-west.

    Height, width and the overlap of neighbours are in pixels. Sizes differ by at most one pixel where
    the grid does not divide the raster. A grid that it cannot give raises `OptionError`.

    Examples
    --------
    >>> [(part.row, part.column) for part in parts_of_grid(120, 120, 2, 2)]
    [(0, 0), (0, 60), (60, 0), (60, 60)]
    """
    _require_overlap(overlap, min(height, width))
    if not (1 <= rows <= height - overlap and 1 <= columns <= width - overlap):
        beside = f", the raster's size in pixels{' without the overlap' if overlap else ''}"
        raise OptionError(
            f"a grid of {rows} x {columns} parts: expected 1 x 1 to "
            f"{height - overlap} x {width - overlap}{beside}"
        )
    parts = _parts(_even_spans(height, rows, overlap), _even_spans(width, columns, overlap))
    pixels = sum(part.height * part.width for part in parts)
    shared = (height + overlap * (rows - 1)) * (width + overlap * (columns - 1))
    assert pixels == shared, "no pixel is lost, and only the overlap is there twice"
    assert max(part.height for part in parts) - min(part.height for part in parts) <= 1, (
        "parts are equally high but for one pixel"
    )
    assert max(part.width for part in parts) - min(part.width for part in parts) <= 1, (
        "parts are equally wide but for one pixel"
    )
    assert _corners(parts) == {(0, 0), (height, width)}, (
        "the first part begins at the first pixel, and the last part ends at the last pixel"
    )
    return parts


def _corners(parts: Sequence[Window]) -> set[tuple[int, int]]:
    """Row and column at which the first part begins, and those at which the last part ends."""
    first, last = parts[0], parts[-1]
    return {(first.row, first.column), (last.row + last.height, last.column + last.width)}


def _even_spans(length: int, count: int, overlap: int) -> list[Span]:
    edges = [i * (length - overlap) // count for i in range(count + 1)]
    return [(edges[i], edges[i + 1] + overlap - edges[i]) for i in range(count)]


def parts_of_size(
    height: int,
    width: int,
    size: int | tuple[int, int],
    *,
    overlap: int = 0,
    edge: str = EDGES[0],
) -> list[Window]:
    """Parts of a given size (height, width), row by row from the north-west.

    Parts at the south and east edge that the raster does not fill are smaller (``keep``), left out
    (``drop``) or reach beyond the raster (``pad``). A size or overlap that makes no sense, or leaves no
    part, raises `OptionError`.

    Examples
    --------
    >>> [(part.column, part.width) for part in parts_of_size(60, 130, 60, overlap=10)]
    [(0, 60), (50, 60), (100, 30)]
    """
    part_height, part_width = (size, size) if isinstance(size, int) else size
    if min(part_height, part_width) < 1:
        raise OptionError(
            f"a tile size of {min(part_height, part_width)} pixels: expected 1 or more"
        )
    if edge not in EDGES:
        raise OptionError(f"edge {edge}: expected {', '.join(EDGES)}")
    _require_overlap(overlap, min(part_height, part_width))
    parts = _parts(
        _spans_of_size(height, part_height, overlap, edge),
        _spans_of_size(width, part_width, overlap, edge),
    )
    if not parts:
        raise OptionError(
            f"no whole part of {part_height} x {part_width} pixels fits into a raster of "
            f"{height} x {width}; take a smaller one, or keep or pad those at the edge"
        )
    return parts


def _spans_of_size(length: int, size: int, overlap: int, edge: str) -> list[Span]:
    spans = [(start, size) for start in range(0, max(1, length - overlap), size - overlap)]
    if edge == "drop":
        return [(start, size) for start, _ in spans if start + size <= length]
    if edge == "keep":
        return [(start, min(size, length - start)) for start, _ in spans]
    return spans


def _require_overlap(overlap: int, side: int) -> None:
    if not 0 <= overlap < side:
        raise OptionError(f"an overlap of {overlap} pixels: expected 0 to {side - 1}")


def _parts(rows: Sequence[Span], columns: Sequence[Span]) -> list[Window]:
    return [Window(row, column, height, width) for row, height in rows for column, width in columns]


def part_suffixes(parts: Sequence[Window]) -> list[str]:
    """Suffixes of the names of parts: ``_A``, ``_B``, ... for up to 26, else ``_<row>_<column>``."""
    columns = sum(part.row == parts[0].row for part in parts)
    few = len(parts) <= len(_LETTERS)
    return [
        f"_{_LETTERS[i]}" if few else f"_{i // columns}_{i % columns}" for i in range(len(parts))
    ]


@with_option_types
def retile(
    raster: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    grid: tuple[int, int] | None = None,
    tile_size: int | None = None,
    tile_metres: float | None = None,
    overlap: int = 0,
    edge: str = EDGES[0],
    bands: Sequence[int] | None = None,
    compression: str | None = None,
    overwrite: bool = False,
    engine: Engine | None = None,
) -> Retiling:
    """Write the parts of a raster as GeoTIFFs ``<stem><suffix>.tif``.

    The parts keep the raster's CRS, data type, NO_DATA value, mask, band descriptions, colours,
    scales, offsets and compression; their transform, ground control points and RPCs are the raster's,
    moved by their first row and column. What a GeoTIFF cannot hold is named. Each part is read back
    and compared with the source, and they appear when all are there. A worker holds few megabytes of
    pixels at a time, however large the raster is.

    Parameters
    ----------
    raster : path
        Any raster that GDAL reads.
    output : path
        Folder of the parts; made if need be.
    grid : (rows, columns), optional
        Number of parts; 2 x 2 if neither this nor a size is given.
    tile_size : int, optional
        Side of square parts in pixels, instead of a grid.
    tile_metres : float, optional
        Side of square parts on the ground in metres, a whole number of pixels; instead of a grid.
    overlap : int
        How many rows or columns of pixels neighbours share.
    edge : str
        One of `EDGES`: parts of a given size at the south and east edge are kept smaller, dropped, or
        padded with the NO_DATA value, or with 0 if the raster declares none.
    bands : sequence of int, optional
        Which bands the parts have, from 1, in this order; all if not given.
    compression : str, optional
        ``none``, ``deflate``, ``lzw`` or ``zstd``; that of the raster if not given, but deflate
        instead of a lossy one.
    overwrite : bool
        Whether files that are there may be replaced.
    engine : Engine, optional
        Where it is done; on one local process a core if not given. Plain files are cut by as many
        threads of this process.

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    OptionError
        If the grid or size makes no sense, or the raster has no such band.
    OutputError
        If a file is there already, or cannot be written.
    """
    source, folder = as_path(raster), as_path(output)
    if sum(way is not None for way in (grid, tile_size, tile_metres)) > 1:
        raise OptionError("expected one of a grid, a tile size in pixels and one in metres")
    if edge not in EDGES or (edge != EDGES[0] and tile_size is None and tile_metres is None):
        raise OptionError(
            f"edge {edge}: expected {', '.join(EDGES)}; the last two go with a tile size, "
            "as a grid divides the whole raster"
        )
    size: int | tuple[int, int] | None = tile_size
    with opened_pixels(source) as opened:
        profile, lacks = opened.profile, opened.lacks
        form = part_form(source, profile, bands, compression)
        if tile_metres is not None:
            size = pixels_of_metres(source, opened.pixel_metres, tile_metres)
    if size is None:
        parts = parts_of_grid(profile.height, profile.width, *(grid or (2, 2)), overlap=overlap)
    else:
        parts = parts_of_size(profile.height, profile.width, size, overlap=overlap, edge=edge)
    form, lost = kept_by_parts(source, form)
    names = [f"{source.stem}{suffix}.tif" for suffix in part_suffixes(parts)]
    assert len(set(names)) == len(parts), "every part has a name of its own"
    with filling_folder(folder, names, overwrite=overwrite) as temporary:
        targets = [temporary / name for name in names]
        written = write_parts(source, form, dict(zip(parts, targets, strict=True)), engine)
    assert written == len(names), (
        "every part was cut from one piece of the raster, and written once"
    )
    checked = range(0, len(parts), 1 + len(parts) // len(_LETTERS))
    assert all(_lies_right(folder / names[one], parts[one], profile) for one in checked), (
        "parts have the size of their windows, and lie where these lie in the raster"
    )
    unmarked = profile.nodata is None or NODATA in lost
    padded = any(part != part.inside(profile) for part in parts)
    return Retiling(tuple(folder / name for name in names), lacks, unmarked and padded, lost)


def _lies_right(path: Path, window: Window, raster: RasterProfile) -> bool:
    """Whether a part has the size of its window, and its first pixel the place of that in the raster."""
    with opened_pixels(path) as part:
        size, corner = (part.profile.height, part.profile.width), part.profile.corner()
    if raster.transform is None:
        return size == (window.height, window.width)
    a, b, c, d, e, f = raster.transform
    expected = (c + a * window.column + b * window.row, f + d * window.column + e * window.row)
    off = max(abs(one - other) for one, other in zip(corner, expected, strict=True))
    rounding = _ROUNDING * max(map(abs, (*expected, 1000 * a, 1000 * e)))
    return size == (window.height, window.width) and not off > rounding  # NaN is the raster's own
