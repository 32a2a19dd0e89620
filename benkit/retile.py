"""Cut a raster into parts that tile it exactly and keep everything but their size and place."""

import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benkit.errors import OptionError, OutputError
from benkit.io.raster_parts import read_info, write_part

__all__ = ["Part", "Retiling", "parts_of_grid", "parts_of_size", "retile_raster"]

_LETTERS = string.ascii_uppercase


@dataclass(frozen=True)
class Retiling:
    """What re-tiling has written.

    Attributes
    ----------
    files : tuple of Path
        The parts, row by row.
    georeferenced : bool
        Whether the raster says where it lies, and so the parts.
    """

    files: tuple[Path, ...]
    georeferenced: bool


@dataclass(frozen=True)
class Part:
    """A rectangle of whole pixels of a raster.

    Attributes
    ----------
    row, column : int
        First row from the north and first column from the west.
    height, width : int
        Size in pixels.
    suffix : str
        What its file's name adds to that of the raster.
    """

    row: int
    column: int
    height: int
    width: int
    suffix: str


def parts_of_grid(height: int, width: int, rows: int, columns: int) -> list[Part]:
    """Parts of a raster in a grid, row by row from the north-west.

    Sizes differ by at most one pixel where the grid does not divide the raster. Up to 26 parts are
    named ``_A``, ``_B``, ...; more are named ``_<row>_<column>`` from 0.

    Parameters
    ----------
    height, width : int
        Size of the raster in pixels.
    rows, columns : int
        Size of the grid in parts.

    Raises
    ------
    OptionError
        If the grid has no part, or more rows or columns than the raster.

    Examples
    --------
    >>> [(part.suffix, part.row, part.column) for part in parts_of_grid(120, 120, 2, 2)]
    [('_A', 0, 0), ('_B', 0, 60), ('_C', 60, 0), ('_D', 60, 60)]
    """
    if not (1 <= rows <= height and 1 <= columns <= width):
        raise OptionError(
            f"a grid of {rows} x {columns} parts: expected 1 x 1 to {height} x {width}, "
            "the raster's size in pixels"
        )
    row_edges = [i * height // rows for i in range(rows + 1)]
    column_edges = [i * width // columns for i in range(columns + 1)]
    parts = _parts(row_edges, column_edges)
    assert sum(part.height * part.width for part in parts) == height * width, "no pixel is lost"
    assert len({part.suffix for part in parts}) == len(parts), "every part has a name of its own"
    return parts


def parts_of_size(height: int, width: int, size: int) -> list[Part]:
    """Square parts of a given size, row by row; those at the south and east edge may be smaller.

    Parameters
    ----------
    height, width : int
        Size of the raster in pixels.
    size : int
        Side of a part in pixels.

    Raises
    ------
    OptionError
        If the size is not positive.
    """
    if size < 1:
        raise OptionError(f"a tile size of {size} pixels: expected 1 or more")
    parts = _parts([*range(0, height, size), height], [*range(0, width, size), width])
    assert sum(part.height * part.width for part in parts) == height * width, "no pixel is lost"
    return parts


def _parts(row_edges: Sequence[int], column_edges: Sequence[int]) -> list[Part]:
    rows, columns = len(row_edges) - 1, len(column_edges) - 1
    few = rows * columns <= len(_LETTERS)
    return [
        Part(
            row=row_edges[i],
            column=column_edges[j],
            height=row_edges[i + 1] - row_edges[i],
            width=column_edges[j + 1] - column_edges[j],
            suffix=f"_{_LETTERS[i * columns + j]}" if few else f"_{i}_{j}",
        )
        for i in range(rows)
        for j in range(columns)
    ]


def retile_raster(
    raster: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    grid: tuple[int, int] | None = None,
    tile_size: int | None = None,
    overwrite: bool = False,
) -> Retiling:
    """Write the parts of a raster as GeoTIFFs ``<stem><suffix>.tif``.

    The parts keep the raster's CRS, data type, NO_DATA value, band descriptions, colours, scales,
    offsets and compression; their transform is the raster's, moved by their first row and column.
    Each is read back and compared with the source before it gets its name.

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
    overwrite : bool
        Whether files that are there may be replaced.

    Returns
    -------
    Retiling

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    OptionError
        If the grid or size makes no sense.
    OutputError
        If a file is there already, or cannot be written.
    """
    source, folder = Path(raster), Path(output)
    if grid and tile_size:
        raise OptionError("expected a grid or a tile size, not both")
    info = read_info(source)
    if tile_size is not None:
        parts = parts_of_size(info.height, info.width, tile_size)
    else:
        parts = parts_of_grid(info.height, info.width, *(grid or (2, 2)))
    files = [folder / f"{source.stem}{part.suffix}.tif" for part in parts]
    there = [file for file in files if file.exists()]
    if there and not overwrite:
        raise OutputError(f"{there[0]}: is there already; allow it to be overwritten or move it")
    for part, file in zip(parts, files, strict=True):
        write_part(source, part.row, part.column, part.height, part.width, file)
    assert all(file.is_file() for file in files), "every part is there"
    return Retiling(tuple(files), info.georeferenced)
