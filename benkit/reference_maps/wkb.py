"""Read WKB geometries, and find out which are damaged."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.errors import InputFormatError

__all__ = ["COLLECTION_TYPES", "POLYGONS_AT_ONCE", "POLYGON_TYPE", "damaged_wkb", "read_wkb"]

POLYGON_TYPE, COLLECTION_TYPES = 3, (4, 5, 6, 7)
"""Numbers, in WKB and in GEOS, of polygons and of geometries that are made of others."""

POLYGONS_AT_ONCE = 2**20
"""About how many polygons are in memory together."""

_DEEPEST = 500  # GEOS reads nested geometries by recursion: tens of thousands overflow its stack
_HEADER = 9  # bytes of a nested geometry before its first member
_POINT, _LINE = 1, 2
_COLLECTION = 7
_NOT_READ = {
    8: "CIRCULARSTRING", 9: "COMPOUNDCURVE", 10: "CURVEPOLYGON", 11: "MULTICURVE", 12: "MULTISURFACE",
    13: "CURVE", 14: "SURFACE", 15: "POLYHEDRALSURFACE", 16: "TIN", 17: "TRIANGLE",
}  # fmt: skip
_SURFACES = (15, 16, 17)  # made of polygons and triangles, which other programs part


def read_wkb(texts: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Read WKB: shapely geometries, and whether each is damaged.

    A geometry is damaged if it cannot be read, is or holds one of another type than 1 to 7, is nested
    deeper than 500, or if a coordinate or its area is not finite. Where a text is None, and where it
    cannot be read, the geometry is None.
    """
    import shapely

    there = np.array([text is not None for text in texts], bool)
    unsafe = np.array([text is not None and not _is_safe(text) for text in texts], bool)
    with np.errstate(all="ignore"):
        geometries = shapely.from_wkb(np.where(unsafe, np.array(None), texts), on_invalid="ignore")
        damaged = there & ~np.isfinite(shapely.area(geometries))
    others = np.flatnonzero((shapely.get_type_id(geometries) != POLYGON_TYPE) & there & ~damaged)
    points, index = shapely.get_coordinates(geometries[others], return_index=True)
    damaged[others[index[~np.isfinite(points).all(1)]]] = True
    return geometries, damaged


def damaged_wkb(path: Path, text: bytes) -> InputFormatError:
    """The error about a file with a geometry that `read_wkb` calls damaged."""
    kind = [0, *(kind for kind, _ in _geometries(text))][-1]
    if kind in _NOT_READ:
        option = "MULTIPOLYGON" if kind in _SURFACES else "CONVERT_TO_LINEAR"
        return InputFormatError(
            f"{path}: expected polygons with straight edges, but one geometry is or holds a "
            f"{_NOT_READ[kind]} (WKB type {kind}); convert it with ogr2ogr -nlt {option}"
        )
    return InputFormatError(
        f"{path}: expected geometries of closed rings and finite coordinates as WKB, "
        "but one is damaged; download or copy the file again"
    )


def _is_safe(text: bytes) -> bool:
    """Whether GEOS can safely read a text, and shapely hold what it reads.

    GEOS ends where geometries are nested too deep, and it reads curves, which shapely has no type for.
    """
    low = text[3:5] if text[:1] == b"\0" else text[2:0:-1]
    if int.from_bytes(low, "big") % 1000 < _COLLECTION and len(text) < _HEADER * _DEEPEST:
        return True
    return all(1 <= kind <= _COLLECTION and depth <= _DEEPEST for kind, depth in _geometries(text))


def _geometries(text: bytes) -> Iterator[tuple[int, int]]:
    """Type and depth of each geometry in a text, up to the first of a type that is not read."""
    waiting, at = [1], 0  # how many members of each nested geometry are still to come
    try:
        while waiting:
            if not waiting[-1]:
                waiting.pop()
                continue
            waiting[-1] -= 1
            order = ">" if text[at : at + 1] == b"\0" else "<"
            (flags,) = struct.unpack_from(f"{order}I", text, at + 1)
            kind = (flags & 0xFFFF) % 1000
            yield kind, len(waiting)
            members, at = _skip(text, at, order, flags)
            if members:
                waiting.append(members)
    except struct.error:  # the text ends too early, which GEOS finds as well
        pass


def _skip(text: bytes, at: int, order: str, flags: int) -> tuple[int, int]:
    """Members of the geometry that begins at a byte, and where the first, or the next one, begins."""

    def number(start: int) -> int:
        value: int = struct.unpack_from(f"{order}I", text, start)[0]
        return value

    kind, dimensions = (flags & 0xFFFF) % 1000, (flags & 0xFFFF) // 1000
    size = 8 * (2 + bool(flags >> 31 or dimensions in (1, 3)))
    size += 8 * bool(flags & 0x4000_0000 or dimensions in (2, 3))
    at += 9 if flags & 0x2000_0000 else 5
    if kind == _POINT:
        return 0, at + size
    if kind == _LINE:
        return 0, at + 4 + size * number(at)
    if kind == POLYGON_TYPE:
        rings, at = number(at), at + 4
        for _ in range(rings):
            at += 4 + size * number(at)
        return 0, at
    if kind in COLLECTION_TYPES:
        return number(at), at + 4
    raise struct.error("no kind of geometry that GEOS reads")
