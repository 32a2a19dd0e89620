"""Reference maps as polygons in GeoParquet, as gdal_polygonize makes them, and as GeoTIFF."""

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.patch_names import Footprint
from benkit.files.tables.geoparquet import encode_geoparquet

MAP_PIXEL = 10
"""Side of a pixel of a reference map in metres."""

_SCHEMA = pa.schema([pa.field("DN", pa.int32()), pa.field("geometry", pa.binary())])


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
