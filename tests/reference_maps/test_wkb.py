"""Every type of WKB in every flavour: measured as it is, or one line that says how to convert it."""

import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.reference_maps.wkb import damaged_wkb, read_wkb
from tests.making import SQUARE

FLAVOURS = {  # what is added to the type, and numbers of a point
    "plain": (0, 2),
    "Z": (1000, 3),
    "M": (2000, 3),
    "ZM": (3000, 4),
    "SRID": (0x2000_0000, 2),
    "EWKB Z": (0x8000_0000, 3),
    "EWKB M": (0x4000_0000, 3),
    "EWKB ZM, SRID": (0xE000_0000, 4),
}
MEMBERS = {4: 1, 5: 2, 6: 3, 7: 3, 9: 2, 10: 2, 11: 2, 12: 10, 15: 3, 16: 17}
CORNERS = ((0, 0), (1200, 0), (1200, 1200), (0, 1200), (0, 0))
AREAS = {1: 0, 2: 0, 3: 1_440_000, 4: 0, 5: 0, 6: 1_440_000, 7: 1_440_000}


def encoded(kind, flavour, order="<"):
    """The square of 1200 m as a geometry of a type, as far as the type allows."""
    added, size = FLAVOURS[flavour]
    head = struct.pack(f"{order}BI", order == "<", kind + added)
    head += struct.pack(f"{order}I", 32633) if added & 0x2000_0000 else b""
    points = [struct.pack(f"{order}{size}d", *corner, *[7.0] * (size - 2)) for corner in CORNERS]
    line = struct.pack(f"{order}I", len(points)) + b"".join(points)
    if kind == 1:
        return head + points[0]
    if kind in (3, 17):
        return head + struct.pack(f"{order}I", 1) + line
    if kind in MEMBERS:
        return head + struct.pack(f"{order}I", 1) + encoded(MEMBERS[kind], flavour, order)
    return head + line


def within_collection(wkb, order="<"):
    """A geometry as the second member of a collection."""
    point = shapely.Point(5, 5).wkb
    return struct.pack(f"{order}BII", order == "<", 7, 2) + point + wkb


@pytest.mark.parametrize("kind", range(20))
def test_every_type_is_read_or_refused(tmp_path, kind):
    texts = [encoded(kind, flavour, order) for flavour in FLAVOURS for order in "<>"]
    texts += [within_collection(text, order) for text in texts for order in "<>"]
    for text in texts:
        (geometry,), (damaged,) = read_wkb(np.array([text], object))
        if kind in AREAS:
            assert not damaged
            assert shapely.area(geometry) == AREAS[kind]
            continue
        assert damaged
        message = str(damaged_wkb(tmp_path, text))
        if 8 <= kind <= 14:
            assert message.endswith(
                f"(WKB type {kind}); convert it with ogr2ogr -nlt CONVERT_TO_LINEAR"
            )
        elif 15 <= kind <= 17:
            assert message.endswith(f"(WKB type {kind}); convert it with ogr2ogr -nlt MULTIPOLYGON")
        else:
            assert "one is damaged" in message


def test_curves_are_refused_by_both_verbs_in_one_line(tmp_path, capsys):
    path = tmp_path / "b_reference_map.parquet"
    for text in (encoded(12, "plain"), within_collection(encoded(10, "Z"))):
        wkb = pa.array([SQUARE.wkb, None, text], pa.binary())
        pq.write_table(pa.table({"DN": [211] * 3, "geometry": wkb}), path)
        for verb in ("labels", "overlaps"):
            assert main([verb, str(tmp_path)]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith(f"benkit: {path}: expected polygons with straight edges, but ")
            assert line.endswith("ogr2ogr -nlt CONVERT_TO_LINEAR")
        with pytest.raises(InputFormatError, match="CONVERT_TO_LINEAR"):
            measure_land_cover(tmp_path)
