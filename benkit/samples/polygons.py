"""Reference maps as polygons in GeoParquet, as gdal_polygonize makes them."""

import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.files.tables.geoparquet import encode_geoparquet

__all__ = ["encode_map_polygons"]

_PIXEL = 10.0  # metres
_LITTLE_ENDIAN, _POLYGON = 1, 3  # of WKB
_SCHEMA = pa.schema([pa.field("DN", pa.int32()), pa.field("geometry", pa.binary())])


def encode_map_polygons(
    codes: NDArray[np.uint16], *, epsg: int, x: float, y: float, covering: bool = False
) -> bytes:
    """Make a GeoParquet file of the areas of equal code, joined along edges and not across corners.

    Parameters
    ----------
    codes : (height, width) uint16 array
        CLC codes, rows from the north, pixels of 10 m.
    epsg : int
        UTM zone of the coordinates.
    x, y : float
        Upper-left corner in metres.
    covering : bool
        Whether to write a column ``bbox``.
    """
    from rasterio.features import shapes
    from rasterio.transform import Affine

    found = list(shapes(codes, transform=Affine(_PIXEL, 0, x, 0, -_PIXEL, y)))
    rings = [[np.array(ring) for ring in shape["coordinates"]] for shape, _ in found]
    bounds = np.array([[*polygon[0].min(0), *polygon[0].max(0)] for polygon in rings])
    columns = [[int(code) for _, code in found], [_wkb(polygon) for polygon in rings]]
    table = pa.table(columns, schema=_SCHEMA)
    return encode_geoparquet(table, epsg=epsg, bounds=bounds, covering=covering)


def _wkb(rings: Sequence[NDArray[np.float64]]) -> bytes:
    parts = [struct.pack("<BII", _LITTLE_ENDIAN, _POLYGON, len(rings))]
    for ring in rings:
        parts += [struct.pack("<I", len(ring)), ring.astype("<f8").tobytes()]
    return b"".join(parts)
