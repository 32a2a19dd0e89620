"""From the bands of a patch to one array, or to one a band: on one grid, normalised, and masked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
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

    def of(
        self, bands: Bands, nodata: Sequence[float | None] | None
    ) -> NDArray | dict[str, NDArray]:
        """One array (bands, size, size), or one for each band.

        ``nodata`` is the NO_DATA value of each band; None where no pixel is without a measurement.
        """
        if self.size is None and self.normal is None:
            return dict(zip(self.bands, bands, strict=True))
        if self.size is None:
            alone = [
                self._normal(band[np.newaxis], [i], nodata and nodata[i : i + 1])[0]
                for i, band in enumerate(bands)
            ]
            return dict(zip(self.bands, alone, strict=True))
        exact = self.resampling == "nearest" and self.normal is None
        dtype = np.result_type(*bands) if exact else np.dtype(np.float32)
        image = np.empty((len(bands), self.size, self.size), dtype)
        target = self.size, self.size
        for shape, numbers in _same_shapes(bands):
            if exact:
                for i in numbers:
                    image[i] = resampled(bands[i], target, "nearest")
                continue
            some = np.empty((len(numbers), *shape), np.float32)
            for place, i in enumerate(numbers):
                some[place] = bands[i]
            masked = _masked(bands, nodata, numbers)
            some = self._scaled(some, numbers)
            if self.resampling == "nearest":
                some, masked = self._filled(some, masked), None
            made = resampled(some, target, self.resampling, masked)
            image[numbers] = made if self.normal is None or masked is None else np.nan_to_num(made)
        return image

    def _normal(
        self, pixels: NDArray, numbers: list[int], nodata: Sequence[float | None] | None
    ) -> NDArray:
        """Some bands of one size, normalised."""
        masked = _masked(list(pixels), nodata, range(len(pixels)))
        return self._filled(self._scaled(pixels.astype(np.float32), numbers), masked)

    def _scaled(self, pixels: NDArray[np.float32], numbers: list[int]) -> NDArray[np.float32]:
        if self.normal is not None:
            mean, std = np.array([self.normal[i] for i in numbers], np.float64).T
            pixels -= mean.astype(np.float32)[:, np.newaxis, np.newaxis]
            pixels *= (1 / std).astype(np.float32)[:, np.newaxis, np.newaxis]
        return pixels

    def _filled(self, pixels: NDArray, masked: NDArray[np.bool_] | None) -> NDArray:
        """Normalised pixels with the mean in the place of those without a measurement."""
        return pixels if masked is None else np.where(masked, np.float32(0), pixels)


def _same_shapes(bands: Bands) -> list[tuple[tuple[int, int], list[int]]]:
    """Numbers of the bands of each shape."""
    order = sorted(range(len(bands)), key=lambda i: bands[i].shape)
    return [
        (shape, list(numbers)) for shape, numbers in groupby(order, key=lambda i: bands[i].shape)
    ]


def _masked(
    bands: Bands, nodata: Sequence[float | None] | None, numbers: Iterable[int]
) -> NDArray[np.bool_] | None:
    """Pixels of some bands that are without a measurement: (bands, height, width); None without any."""
    if nodata is None:
        return None
    masks = []
    for band, value in ((bands[i], nodata[i]) for i in numbers):
        mask = ~np.isfinite(band) if band.dtype.kind == "f" else np.zeros(band.shape, bool)
        masks.append(mask if value is None else mask | (band == value))
    return np.stack(masks)


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
