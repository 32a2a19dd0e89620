"""Layouts: how an archive of patches lies on disk, and what its bands are like.

Sources: the Sentinel-2 products specification (pixel sizes) and the BigEarthNet v2.0 description
(https://arxiv.org/abs/2407.03653).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benkit.domain.patch_names import PATCH_METRES


@dataclass(frozen=True)
class Band:
    """One band of a patch.

    Attributes
    ----------
    name : str
        As files and tables name it, such as ``B02``.
    pixel_size : int
        Side of a pixel on the ground in metres.
    dtype : str
        Data type of the pixels.
    nodata : int
        Value of a pixel without a measurement, which the file declares.

    Examples
    --------
    >>> Band("B02", 10).side
    120
    """

    name: str
    pixel_size: int
    dtype: str = "uint16"
    nodata: int = 0

    @property
    def side(self) -> int:
        """Number of rows, and of columns, of this band in a patch."""
        return PATCH_METRES // self.pixel_size


@dataclass(frozen=True)
class Layout:
    """How an archive lies on disk: ``<root>/<product>/<patch id>/<patch id>_<band>.tif``.

    Attributes
    ----------
    name : str
        By which inventories say what was scanned.
    bands : mapping of str to Band
        By name, in the order in which all output lists them.
    """

    name: str
    bands: Mapping[str, Band]

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands, in their order."""
        return tuple(self.bands)

    def band_file(self, patch_id: str, band: str) -> str:
        """Name of the file that holds a band of a patch, in the patch's folder."""
        return f"{patch_id}_{band}.tif"

    def band_files(self, patch_id: str) -> list[str]:
        """Names of the files of all bands of a patch, in the order of the bands."""
        return [f"{patch_id}_{band}.tif" for band in self.bands]


def _bands(**pixel_sizes: int) -> Mapping[str, Band]:
    return MappingProxyType({name: Band(name, size) for name, size in pixel_sizes.items()})


BIGEARTHNET_S2 = Layout(
    "bigearthnet-s2",
    _bands(
        B01=60,
        B02=10,
        B03=10,
        B04=10,
        B05=20,
        B06=20,
        B07=20,
        B08=10,
        B8A=20,
        B09=60,
        B11=20,
        B12=20,
    ),
)
"""Sentinel-2 patches of BigEarthNet v2.0: twelve bands in the order of their wavelength.

A patch covers 1200 m x 1200 m. Sentinel-2 measures in three pixel sizes, so a band has 120, 60 or 20
pixels a side. B10 (cirrus) carries no information on the surface and is not part of Level-2A products.
"""

ARCHIVE_METADATA = "metadata.parquet"
"""Name of the metadata that an archive may keep beside its products; no other file belongs there."""

BANDS = BIGEARTHNET_S2.bands
"""The twelve bands of a Sentinel-2 patch by name."""
