"""The twelve Sentinel-2 bands of a patch.

A patch covers 1200 m x 1200 m on the ground. Sentinel-2 measures in three pixel sizes, so a band has
120, 60 or 20 pixels a side. Band B10 (cirrus) carries no information on the surface and is not part
of Level-2A products.

Sources: the Sentinel-2 products specification (pixel sizes) and the BigEarthNet v2.0 description
(https://arxiv.org/abs/2407.03653).
"""

from dataclasses import dataclass

__all__ = ["BANDS", "BAND_NAMES", "NODATA", "PATCH_METRES", "Band"]

PATCH_METRES = 1200
"""Side of a patch on the ground in metres."""

NODATA = 0
"""Value of a pixel without a measurement in Sentinel-2 Level-2A products."""


@dataclass(frozen=True)
class Band:
    """One band of a patch.

    Attributes
    ----------
    name : str
        ``B01`` to ``B12`` and ``B8A``.
    pixel_size : int
        Side of a pixel on the ground in metres: 10, 20 or 60.

    Examples
    --------
    >>> Band("B02", 10).side
    120
    """

    name: str
    pixel_size: int

    @property
    def side(self) -> int:
        """Number of rows, and of columns, of this band in a patch."""
        return PATCH_METRES // self.pixel_size


_PIXEL_SIZES = {
    "B01": 60,
    "B02": 10,
    "B03": 10,
    "B04": 10,
    "B05": 20,
    "B06": 20,
    "B07": 20,
    "B08": 10,
    "B8A": 20,
    "B09": 60,
    "B11": 20,
    "B12": 20,
}

BANDS = {name: Band(name, pixel_size) for name, pixel_size in _PIXEL_SIZES.items()}
"""The bands by name, in the order of their wavelength, in which all output lists them."""

BAND_NAMES = tuple(BANDS)
"""The names of the twelve bands in the same order."""
