"""Fingerprints of pixels and headers: 64-bit multilinear hashes, thousands of rasters a second.

The bytes are taken as 32-bit words, each multiplied by an odd 64-bit key of its own, and the products
added modulo 2**64 [1]_; length, shape and data type are mixed in at the end with the finaliser of
SplitMix64 [2]_, which makes the keys too. Two rasters that differ in one word never have the same
fingerprint, and others by chance only. It is no cryptographic hash: who wants to can make two rasters
with the same one.

References
----------
.. [1] D. Lemire, O. Kaser, Strongly universal string hashing is fast, 2014,
   https://doi.org/10.1093/comjnl/bxt070
.. [2] G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, 2014,
   https://doi.org/10.1145/2660193.2660195
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_WORD = 4  # bytes


def hash_pixels(rasters: NDArray, shape: tuple[int, int]) -> NDArray[np.uint64]:
    """Fingerprint of the pixels of each of some rasters, whatever file they came from.

    Parameters
    ----------
    rasters : (rasters, pixels) array
        Pixels row by row from the north-west, all of one numeric data type. NaN with other bits, and
        zeros of either sign, are other pixels.
    shape : (int, int)
        Height and width.

    Returns
    -------
    (rasters,) uint64 array
        The same on every machine.

    Examples
    --------
    >>> one = np.arange(12, dtype=np.uint16).reshape(1, 12)
    >>> [hex(hash_pixels(one, shape)[0]) for shape in ((3, 4), (4, 3))]
    ['0x74c3bd9623d155b8', '0x9a89c4eecee4f30b']
    """
    kind = rasters.dtype.newbyteorder("<")
    rows = np.ascontiguousarray(rasters, kind).view(np.uint8)  # bands may lie pixel by pixel
    salt = int.from_bytes(kind.str.encode(), "little")
    return _hash(rows, (salt, *shape))


def hash_bytes(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Fingerprint of each row of bytes: (n, bytes) to (n,)."""
    return _hash(rows, ())


def hash_each(rows: NDArray[np.uint8], lengths: tuple[int, ...]) -> NDArray[np.uint64]:
    """The same fingerprints as `hash_bytes` of rows of several lengths, which lie in one buffer.

    Parameters
    ----------
    rows : (bytes,) uint8 array
        One row after the other, each filled up with zeros to a multiple of four bytes.
    lengths : tuple of int
        Bytes of each row, not counting what fills it up.
    """
    keys, starts, salted = _keys_of_each(lengths)
    return _mixed(np.add.reduceat(rows.view("<u4") * keys, starts) + salted)


@lru_cache(maxsize=64)
def _keys_of_each(
    lengths: tuple[int, ...],
) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.uint64]]:
    """Keys of all words, where each row begins, and what its length adds."""
    words = np.array([-(-length // _WORD) for length in lengths])
    keys = np.concatenate([_keys(count) for count in words.tolist()])
    return keys, np.cumsum(words) - words, np.concatenate([_salted((one,)) for one in lengths])


def _hash(rows: NDArray[np.uint8], salts: tuple[int, ...]) -> NDArray[np.uint64]:
    length = rows.shape[1]
    if length % _WORD:
        rows = np.pad(rows, [(0, 0), (0, -length % _WORD)])
    words = rows.view("<u4")
    products = np.einsum("ij,j->i", words, _keys(words.shape[1]))
    return _mixed(products + _salted((length, *salts)))


@lru_cache(maxsize=64)
def _salted(salts: tuple[int, ...]) -> NDArray[np.uint64]:
    """One number, as an array, for some numbers in their order."""
    total = np.zeros(1, np.uint64)
    for salt in salts:
        total = _mixed(total + np.array([salt], np.uint64) * _STEP)
    return total


@lru_cache(maxsize=8)
def _keys(count: int) -> NDArray[np.uint64]:
    """Odd 64-bit keys, the first ones of always the same sequence."""
    return _mixed(np.arange(1, count + 1, dtype=np.uint64) * _STEP) | np.uint64(1)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number with every bit spread over all others: a bijection."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
