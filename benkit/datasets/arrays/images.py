"""From the bands of a patch to one array, or to one a band: on one grid, normalised, and masked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby, repeat
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benkit.datasets.arrays.patch_reader import Bands
from benkit.datasets.arrays.resample import Resampling, resampled
from benkit.errors import OptionError
from benkit.inventory.statistics import Statistics

MeanStd = tuple[float, float]
"""Mean and standard deviation of a band."""


@dataclass(frozen=True)
class Images:
    """How the bands of patches become arrays.

    Attributes
    ----------
    bands : tuple of str
    size : int or None
        Rows and columns of all bands; None leaves each band as it is.
    resampling : {"nearest", "bilinear"}
    normal : tuple of (float, float) or None
        Mean and standard deviation of each band.
    """

    bands: tuple[str, ...]
    size: int | None
    resampling: Resampling
    normal: tuple[MeanStd, ...] | None

    def room(self, count: int) -> Iterable[NDArray[np.float32] | None]:
        """Where the images of several patches go, one array of all, if it is known what they will be."""
        if self.size is None or (self.resampling == "nearest" and self.normal is None):
            return repeat(None, count)
        return np.empty((count, len(self.bands), self.size, self.size), np.float32)

    def of(
        self,
        bands: Bands,
        nodata: Sequence[float | None] | None,
        room: NDArray[np.float32] | None = None,
    ) -> NDArray | dict[str, NDArray]:
        """One array (bands, size, size), or one for each band.

        ``nodata`` is the NO_DATA value of each band; None where no pixel is without a measurement.
        """
        masks = [None] * len(bands) if nodata is None else list(map(_masked, bands, nodata))
        if self.size is None:
            made = [self._normal(*of_band) for of_band in zip(count(), bands, masks, strict=False)]
            return dict(zip(self.bands, made, strict=True))
        shape = len(bands), self.size, self.size
        image = np.empty(shape, np.result_type(*bands)) if room is None else room
        if nodata is None and image.dtype == np.float32:
            self._fill(image, bands)
            return image
        for i, (band, masked) in enumerate(zip(bands, masks, strict=True)):
            image[i] = self._resampled(self._normal(i, band, masked), masked)
        return image

    def _fill(self, image: NDArray[np.float32], bands: Bands) -> None:
        """The same of bands whose pixels all have a measurement, neighbours of one size at once."""
        size = image.shape[1:]
        for shape, run in groupby(range(len(bands)), lambda i: bands[i].shape):
            which = list(run)
            target = image[which[0] : which[-1] + 1]
            values = target if shape == size else np.empty((len(which), *shape), np.float32)
            for row, i in enumerate(which):
                values[row] = bands[i]
                if self.normal is not None:
                    mean, std = self.normal[i]
                    values[row] -= np.float32(mean)
                    values[row] *= np.float32(1 / std)
            if shape != size:
                target[:] = resampled(values, size, self.resampling)

    def _normal(self, i: int, band: NDArray, masked: NDArray[np.bool_] | None) -> NDArray:
        """A band, normalised where that is asked for, its pixels without a measurement at the mean."""
        if self.normal is None:
            return band
        mean, std = self.normal[i]
        pixels = band.astype(np.float32)
        pixels -= np.float32(mean)
        pixels *= np.float32(1 / std)
        if masked is not None:
            pixels[masked] = 0
        return pixels

    def _resampled(self, band: NDArray, masked: NDArray[np.bool_] | None) -> NDArray:
        assert self.size is not None, "bands are brought to a size"
        made = resampled(band, (self.size, self.size), self.resampling, masked)
        return made if self.normal is None or masked is None else np.nan_to_num(made)


def _masked(band: NDArray, nodata: float | None) -> NDArray[np.bool_]:
    """Pixels of a band that are without a measurement."""
    mask = ~np.isfinite(band) if band.dtype.kind == "f" else np.zeros(band.shape, bool)
    return mask if nodata is None else mask | (band == nodata)


Normalise = Literal["train"] | Statistics | Mapping[str, MeanStd] | None
"""By what bands are normalised."""


def means_and_stds(
    statistics: Statistics | Mapping[str, MeanStd], bands: Sequence[str]
) -> tuple[MeanStd, ...]:
    """Mean and standard deviation of some bands.

    Raises
    ------
    OptionError
        If there is none of a band, or it cannot be divided by.
    """
    if isinstance(statistics, Statistics):
        found = {name: (band.mean, band.std) for name, band in statistics.bands.items()}
    else:
        found = {name: tuple(pair) for name, pair in statistics.items()}  # type: ignore[misc]
    normal = []
    for band in bands:
        mean, std = found.get(band, (None, None))
        if mean is None or std is None or not (np.isfinite(mean) and 0 < std < np.inf):
            what = f"they are {mean} and {std}" if band in found else "there are none"
            raise OptionError(
                f"expected a mean and a standard deviation above 0 of {band} to normalise by, but {what}"
            )
        normal.append((float(mean), float(std)))
    return tuple(normal)
