"""Files of samples: bands, and reference maps as polygons in GeoParquet and as GeoTIFF."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.patch_names import Footprint
from benkit.files.tables.geoparquet import encode_geoparquet
from benkit.tiff.plain import encode

MAP_PIXEL = 10
"""Side of a pixel of a reference map in metres."""

_SCHEMA = pa.schema([pa.field("DN", pa.int32()), pa.field("geometry", pa.binary())])


@dataclass(frozen=True)
class MadeBand:
    """The pixels of a band, (height, width), and what its file says of them.

    The corner and the sides of a pixel are in units of the CRS.
    """

    pixels: NDArray
    epsg: int
    x: float
    y: float
    pixel_width: float
    pixel_height: float
    nodata: float | None


def encode_bands(bands: Sequence[MadeBand]) -> bytes:
    """Make a GeoTIFF of bands of one size, type and place; plain where archives are of plain files."""
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    one, pixels = bands[0], np.stack([band.pixels for band in bands])
    square, whole = one.pixel_width == one.pixel_height, one.nodata is None or _fits_plain(one)
    if (
        len(bands) == 1
        and square
        and whole
        and 32601 <= one.epsg <= 32760
        and one.pixels.dtype != "i1"
    ):
        nodata = None if one.nodata is None else int(one.nodata)
        return encode(
            one.pixels, epsg=one.epsg, x=one.x, y=one.y, pixel_size=one.pixel_width, nodata=nodata
        )
    profile: dict[str, Any] = {"driver": "GTiff", "count": len(bands), "dtype": pixels.dtype}
    profile |= {"height": pixels.shape[1], "width": pixels.shape[2], "nodata": one.nodata}
    profile |= {"crs": _rasterio_crs(one.epsg)}
    profile["transform"] = Affine(one.pixel_width, 0, one.x, 0, -one.pixel_height, one.y)
    if len(bands) > 1:
        profile |= {"interleave": "pixel", "photometric": "minisblack"}
    with rasterio.Env(), MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(pixels)
        return memory.read()


def _fits_plain(band: MadeBand) -> bool:
    """Whether the NO_DATA value is one that plain files declare."""
    return band.pixels.dtype.kind in "iu" and float(band.nodata or 0).is_integer()


def encode_map_polygons(codes: NDArray[np.uint16], corner: Footprint, covering: bool) -> bytes:
    """Make a GeoParquet file of the areas of equal code, joined along edges and not across corners.

    Codes are (height, width), rows from the north; ``covering`` adds the column ``bbox``.
    """
    import shapely
    from rasterio.features import shapes

    found = list(shapes(codes, transform=_transform(corner)))
    polygons = [shapely.geometry.shape(shape) for shape, _ in found]
    columns = [[int(code) for _, code in found], shapely.to_wkb(polygons, byte_order=1)]
    table, bounds = pa.table(columns, schema=_SCHEMA), shapely.bounds(polygons)
    return encode_geoparquet(table, epsg=corner.epsg, bounds=bounds, covering=covering)


def encode_map_pixels(codes: NDArray[np.uint16], corner: Footprint) -> bytes:
    """Make a GeoTIFF as the archive has it: uint16, DEFLATE with predictor 2, NO_DATA 0."""
    import rasterio
    from rasterio.io import MemoryFile

    height, width = codes.shape
    profile: dict[str, Any] = {"driver": "GTiff", "count": 1, "dtype": "uint16", "nodata": 0}
    profile |= {"compress": "deflate", "predictor": 2, "crs": _rasterio_crs(corner.epsg)}
    profile |= {"height": height, "width": width, "transform": _transform(corner)}
    with rasterio.Env(), MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(codes, 1)
        return memory.read()


def _transform(corner: Footprint) -> Any:
    from rasterio.transform import Affine

    return Affine(MAP_PIXEL, 0, corner.x, 0, -MAP_PIXEL, corner.y)


@lru_cache(maxsize=128)
def _rasterio_crs(epsg: int) -> Any:
    from rasterio.crs import CRS

    return CRS.from_epsg(epsg)
