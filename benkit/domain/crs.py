"""Coordinate reference systems of UTM zones, in which the patches lie."""

import re

__all__ = ["is_utm"]

_UTM = re.compile(r"EPSG:(326|327|258)\d\d")  # zones of WGS 84, north and south, and of ETRS89


def is_utm(crs: str) -> bool:
    """Whether a name such as ``EPSG:32633`` is that of a UTM zone.

    Examples
    --------
    >>> is_utm("EPSG:32633"), is_utm("EPSG:3035")
    (True, False)
    """
    return _UTM.fullmatch(crs) is not None
