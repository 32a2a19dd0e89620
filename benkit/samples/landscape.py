"""Synthetic land cover and reflectances, made from a seed.

All of it is value noise (Perlin's lattice noise with values in place of gradients): random numbers on
lattices of several widths, interpolated smoothly. The numbers are hashes of the seed and the position
(the finalizer of SplitMix64, Steele et al. 2014, https://doi.org/10.1145/2660193.2660195), and the
interpolation is exact integer arithmetic, so that a pixel has the same ground in every patch, on every
machine and whatever is computed together. Positions are pixels of 10 m in the UTM zone of the anchor.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.seasons import SEASONS
from benkit.samples.products import Region
from benkit.samples.spectra import BARE, GREEN, GREENNESS, SPREAD

MARGIN = 1
"""Width in pixels of the margin around a patch that the blurring of its bands needs."""

Integers = NDArray[np.int64]

_BITS = 10  # of the weights of a lattice
_HALF = 2**15  # middle of the noise, which is 0 to 65535
_SPOTS = (121, 142, 131, 121, 124, 132, 111, 122)  # codes of small built-up features
_URBAN, _CENTRE = 112, 111

# Thresholds of the noise: 0 to 65535, half of it below 32768.
_TILLED, _MIXED = 35_500, 28_500
_KINDS = (25_500, 32_768, 40_500)
_WATER, _SHORE, _COAST = 46_500, 45_700, 44_900
_TOWN, _TOWN_CENTRE, _SPOT = 50_500, 56_000, 57_500


@dataclass(frozen=True)
class PixelBlock:
    """The pixels of a patch and its margin, as pixels of the anchor's UTM zone.

    Attributes
    ----------
    column, row, width, height : int
        Upper-left pixel of a block, rows counted southwards, and its size.
    gather : (2, n, n) int64 array or None
        Row and column in the block of each pixel, where the patch lies in another zone; None where
        the block is the patch itself.
    """

    column: int
    row: int
    width: int
    height: int
    gather: Integers | None = None


@dataclass(frozen=True)
class Ground:
    """Land cover of a patch with its margin: (n, n) arrays, rows from the north.

    Attributes
    ----------
    codes : int64 array
        CLC codes.
    vigour, brightness : int64 array
        How much greener and brighter than others of its code, about -32768 to 32767.
    """

    codes: Integers
    vigour: Integers
    brightness: Integers

    @property
    def map(self) -> NDArray[np.uint16]:
        """CLC codes of the patch without its margin."""
        return self.codes[MARGIN:-MARGIN, MARGIN:-MARGIN].astype(np.uint16)


def ground(seed: int, block: PixelBlock, region: Region) -> Ground:
    """Make the land cover of a patch; where patches overlap, theirs is the same."""
    wild, kind, wet, town, spot = (
        _octaves(seed, block, salt, cells)
        for salt, cells in enumerate(
            ((512, 128), (512, 256, 32), (512, 128, 32), (256, 64), (64, 32))
        )
    )
    covers = np.array(region.covers)
    codes = covers[(wild > _MIXED).astype(np.int64) + (wild > _TILLED), np.digitize(kind, _KINDS)]
    codes[town > _TOWN] = _URBAN
    codes[town > _TOWN_CENTRE] = _CENTRE
    small = spot > _SPOT
    codes[small] = np.array(_SPOTS)[(wild[small] >> 11) % len(_SPOTS)]
    for threshold, code in (
        (_COAST, region.coast), (_SHORE, region.shore), (_WATER, region.water),
    ):  # fmt: skip
        codes[wet > threshold] = code
    vigour = _octaves(seed, block, 10, (64, 16, 4)) - _HALF
    brightness = _octaves(seed, block, 11, (32, 8, 4)) - _HALF
    fields = (codes, vigour, brightness)
    if block.gather is not None:
        fields = tuple(field[block.gather[0], block.gather[1]] for field in fields)
    return Ground(*fields)


def reflectances(
    seed: int, ground: Ground, season: str, date: str
) -> dict[str, NDArray[np.uint16]]:
    """The twelve bands of a patch, (side, side) uint16 arrays, in 1/10,000 as in Sentinel-2 products.

    The date is any text that differs between images of the same ground. No value is 0, NO_DATA.
    """
    codes = ground.codes
    vigour, brightness = ground.vigour.astype(np.int32), ground.brightness.astype(np.int32)
    green = GREENNESS[SEASONS.index(season)].take(codes)
    green = np.clip(green + (vigour * SPREAD.take(codes) >> 16), 0, 256)
    gain = 4096 + (brightness >> 4)
    height, width = codes.shape
    key = _mix(np.frombuffer(date.encode().ljust(64, b"\0")[:64], np.uint64).astype(np.uint64))
    rows = np.arange(height * width, dtype=np.uint64) + key.sum() + np.uint64(seed % 2**32)
    noise = _mix(rows).reshape(height, width)
    bands = {}
    for index, name in enumerate(BIGEARTHNET_S2.band_names):
        bare = BARE[index].take(codes)
        values = (bare << 4) + ((GREEN[index].take(codes) - bare) * green >> 4)
        values = values * gain >> 16
        grain = (noise >> np.uint64(5 * index) & np.uint64(31)).astype(np.int32) - 16
        values += values * grain >> 9
        bands[name] = np.maximum(_resample(values, BIGEARTHNET_S2.bands[name].side), 1).astype(
            np.uint16
        )
    return bands


def relief(seed: int, block: PixelBlock) -> Integers:
    """Smooth noise, 0 to 65535, that is the same wherever the same ground is seen."""
    return _octaves(seed, block, 20, (64, 16, 4))


def grain(seed: int, key: str, shape: tuple[int, int]) -> Integers:
    """Noise without neighbourhood, 0 to 65535, which differs between any two keys."""
    start = int.from_bytes(hashlib.sha256(f"{seed} {key}".encode()).digest()[:8], "little")
    numbers = np.arange(shape[0] * shape[1], dtype=np.uint64) + np.uint64(start)
    return (_mix(numbers) >> np.uint64(48)).astype(np.int64).reshape(shape)


def _resample(values: NDArray, side: int) -> NDArray:
    """Blur 10 m bands with the weights 1 2 1; bands of larger pixels average theirs."""
    inner = values[MARGIN:-MARGIN, MARGIN:-MARGIN]
    factor = len(inner) // side
    if factor == 1:
        along = values[:-2] + 2 * values[1:-1] + values[2:]
        return (along[:, :-2] + 2 * along[:, 1:-1] + along[:, 2:]) >> 4
    return inner.reshape(side, factor, side, factor).sum((1, 3)) // factor**2


def _octaves(seed: int, block: PixelBlock, salt: int, cells: tuple[int, ...]) -> Integers:
    """Noise of several widths, each half as strong as the one before: 0 to 65535."""
    weights = [2 ** (len(cells) - 1 - i) for i in range(len(cells))]
    total = sum(
        weight * _noise(seed, block, 16 * salt + i, cell)
        for i, (weight, cell) in enumerate(zip(weights, cells, strict=True))
    )
    return np.asarray(total // sum(weights))


def _noise(seed: int, block: PixelBlock, salt: int, cell: int) -> Integers:
    """Smooth noise on a lattice of so many pixels: (height, width), 0 to 65535."""
    down, first_row = _weights(block.row % cell, block.height, cell), block.row // cell
    right, first_column = _weights(block.column % cell, block.width, cell), block.column // cell
    rows = (np.arange(down.shape[1]) + first_row).astype(np.uint64)
    columns = (np.arange(right.shape[1]) + first_column).astype(np.uint64)
    start = _mix(np.array([seed], np.uint64) * np.uint64(1024) + np.uint64(salt))
    nodes = _mix(_mix(start + rows[:, np.newaxis]) + columns) >> np.uint64(48)
    # Products stay below 2**36, so float64 holds every sum exactly whatever its order.
    return (down @ nodes.astype(np.float64) @ right.T).astype(np.int64) >> 2 * _BITS


@lru_cache(maxsize=2048)
def _weights(offset: int, size: int, cell: int) -> NDArray[np.float64]:
    """Share of each lattice node in each pixel, in units of 2**-10: (pixels, nodes)."""
    pixel = offset + np.arange(size)
    node, step = np.divmod(pixel, cell)
    fraction = (2 * step + 1) / (2 * cell)
    share = np.rint(fraction * fraction * (3 - 2 * fraction) * 2**_BITS)
    weights = np.zeros((size, int(node[-1]) + 2))
    weights[np.arange(size), node] = 2**_BITS - share
    weights[np.arange(size), node + 1] = share
    return weights


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash each number."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)
