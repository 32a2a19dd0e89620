"""Coordinate reference systems, judged by what they mean: UTM zones, in which the patches lie."""

import re
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from benkit.files.safe_names import printable

# Zones 01 to 60 of WGS 84, north and south, and 28 to 38 of ETRS89: the usual names, known without PROJ.
_UTM = re.compile(r"EPSG:(32[67](0[1-9]|[1-5]\d|60)|258(2[89]|3[0-8]))", re.ASCII)
_ZONES_OF_EPSG = {4326: {True: 32600, False: 32700}, 4258: {True: 25800}}
"""By the base of a zone, and whether it is in the north, the code of zone 0."""
_LONGITUDE_FIRST = {("OGC", "CRS84"): 4326, ("OGC", "CRS83"): 4269, ("OGC", "CRS27"): 4267}
"""EPSG codes of the same systems with latitude first, as their authorities define them."""
_FALSE_NORTHING = 10_000_000
_SAME_METRES = 1e-3
_LONGEST_SHOWN = 80


def is_utm(crs: str) -> bool:
    """Whether a reference system is a UTM zone in metres, of any datum, however it is spelled.

    Examples
    --------
    >>> is_utm("EPSG:32633"), is_utm("urn:ogc:def:crs:EPSG::3045"), is_utm("+proj=utm +zone=33")
    (True, True, True)
    >>> is_utm("EPSG:32661"), is_utm("EPSG:32664"), is_utm("EPSG:3035")  # polar, feet, LAEA
    (False, False, False)
    """
    return _UTM.fullmatch(crs) is not None or _utm_zone(crs) is not None


@lru_cache(maxsize=4096)
def one_name(crs: str) -> str:
    """One name for all spellings of a reference system on the ground: its EPSG code, if it has one.

    Heights are left out, and the order of axes does not matter. A text that is no reference system is
    its own name.

    Examples
    --------
    >>> one_name("EPSG:3045"), one_name("urn:ogc:def:crs:EPSG::3035"), one_name("nonsense")
    ('EPSG:25833', 'EPSG:3035', 'nonsense')
    >>> one_name("OGC:CRS84")
    'EPSG:4326'
    """
    if _UTM.fullmatch(crs):
        return crs
    system = _on_the_ground(crs)
    if system is None:
        return crs
    code = system.to_epsg() or _LONGITUDE_FIRST.get(system.to_authority())
    if zone := _utm_zone(crs):
        number, north = zone
        base = system.geodetic_crs.to_epsg()
        first = _ZONES_OF_EPSG.get(base, {}).get(north)
        if first and _UTM.fullmatch(name := f"EPSG:{first + number}"):
            return name
    return f"EPSG:{code}" if code else crs


def shown_crs(crs: str) -> str:
    """A reference system for a message: its text, or where that is long its name."""
    system = _on_the_ground(crs) if len(crs) > _LONGEST_SHOWN else None
    name = system.name if system else "unknown"
    return printable((crs if name in ("unknown", "unnamed") else name)[:_LONGEST_SHOWN])


@lru_cache(maxsize=4096)
def _on_the_ground(crs: str) -> Any:
    """The horizontal system of a text, without heights or a way to another datum; None if none."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a spelling is outdated
        try:
            system: Any = CRS(crs)
            while system.is_bound or system.is_compound:
                system = system.source_crs if system.is_bound else system.sub_crs_list[0]
            return system.to_2d()
        except CRSError:
            return None


@lru_cache(maxsize=4096)
def _utm_zone(crs: str) -> tuple[int, bool] | None:
    """Number of a UTM zone in metres, and whether it is in the north.

    The system is compared with the zone on the same ellipsoid, point by point: names, codes and the
    order of axes tell nothing.
    """
    from pyproj.exceptions import ProjError

    system = _on_the_ground(crs)
    if system is None or not system.is_projected or not _is_of_the_earth(system):
        return None
    try:
        return _fitting_zone(system)
    except ProjError:
        return None


def _is_of_the_earth(system: Any) -> bool:
    radius = system.ellipsoid.semi_major_metre if system.ellipsoid else 0
    greenwich = system.prime_meridian is not None and system.prime_meridian.longitude == 0
    return 6.37e6 < radius < 6.39e6 and greenwich


def _fitting_zone(system: Any) -> tuple[int, bool] | None:
    from pyproj import Proj, Transformer

    to_plane = Transformer.from_crs(system.geodetic_crs, system, always_xy=True).transform
    for north, y in ((True, 0), (False, _FALSE_NORTHING)):
        longitude, latitude = to_plane(500_000, y, direction="INVERSE")
        zone = (longitude + 183) / 6
        if not (abs(latitude) < 1e-6 and 0.5 < zone < 60.5 and abs(zone - round(zone)) < 1e-6):
            continue
        ellipsoid = system.ellipsoid
        expected = Proj(
            proj="utm", zone=round(zone), south=not north,
            a=ellipsoid.semi_major_metre, b=ellipsoid.semi_minor_metre,
        )  # fmt: skip
        degrees = longitude + np.array([-3.0, -1, 0, 2, 3]), np.array([80.0, 45, 1, -20, -70])
        if np.allclose(to_plane(*degrees), expected(*degrees), rtol=0, atol=_SAME_METRES):
            return round(zone), north
    return None
