"""Coordinate reference systems: UTM zones, in which the patches lie."""

import re

from benkit.files.safe_names import printable

# Zones 01 to 60 of WGS 84, north and south, and of ETRS89.
_UTM = re.compile(r"EPSG:(326|327|258)(0[1-9]|[1-5]\d|60)", re.ASCII)
_LONGEST_SHOWN = 80


def is_utm(crs: str) -> bool:
    """Whether a name such as ``EPSG:32633`` is that of a UTM zone.

    Examples
    --------
    >>> is_utm("EPSG:32633"), is_utm("EPSG:32661"), is_utm("EPSG:3035")
    (True, False, False)
    """
    return _UTM.fullmatch(crs) is not None


def shown_crs(crs: str) -> str:
    """A reference system for a message: its name, or the beginning of its PROJJSON."""
    return printable(crs[:_LONGEST_SHOWN])
