"""Fingerprints of pixels: against plain Python, and told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benkit.inventory.scanning.fingerprint import hash_bytes, hash_pixels

ALL = 2**64 - 1


def mixed(number: int) -> int:
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & ALL
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & ALL
    return number ^ (number >> 31)


def slow_hash(content: bytes, *salts: int) -> int:
    """The definition, in Python's unbounded integers."""
    padded = content + bytes(-len(content) % 4)
    total = 0
    for place in range(0, len(padded), 4):
        key = mixed((place // 4 + 1) * 0x9E3779B97F4A7C15 & ALL) | 1
        total += key * int.from_bytes(padded[place : place + 4], "little")
    salted = 0
    for salt in (len(content), *salts):
        salted = mixed((salted + salt * 0x9E3779B97F4A7C15) & ALL)
    return mixed((total + salted) & ALL)


@given(st.lists(st.binary(min_size=7, max_size=7), min_size=1, max_size=4))
def test_bytes_equal_the_definition(rows):
    found = hash_bytes(np.array([list(row) for row in rows], np.uint8))
    assert found.tolist() == [slow_hash(row) for row in rows]


TYPES = [np.dtype(name) for name in ("uint8", "int16", "uint16", "int32", "float32", "float64")]


@given(st.sampled_from(TYPES).flatmap(lambda kind: hnp.arrays(kind, (3, 5))))
def test_pixels_equal_the_definition_in_either_byte_order(pixels):
    kind = int.from_bytes(pixels.dtype.str.encode(), "little")
    expected = slow_hash(pixels.tobytes(), kind, 3, 5)
    for array in (pixels, pixels.astype(pixels.dtype.newbyteorder(">"))):
        assert hash_pixels(array.reshape(1, -1), (3, 5)).tolist() == [expected]


def test_where_the_pixels_lie_in_memory_does_not_matter():
    pixels = np.random.default_rng(1).integers(0, 9, (4, 400), np.uint16)
    for offset in range(9):
        buffer = np.zeros((4, 1000), np.uint8)
        buffer[:, offset : offset + 800] = pixels.view(np.uint8)
        moved = buffer[:, offset : offset + 800].view(np.uint16)
        assert hash_pixels(moved, (20, 20)).tolist() == hash_pixels(pixels, (20, 20)).tolist()


def test_any_change_of_a_bit_two_bits_a_type_or_a_shape_is_seen():
    pixels = np.zeros((2**12, 16), np.uint16)
    bits = np.unpackbits(pixels.view(np.uint8), axis=1)
    for row in range(1, 257):
        bits[row, row - 1] = 1
    pairs = np.triu_indices(256, 1)
    chosen = np.random.default_rng(2).choice(len(pairs[0]), 2**12 - 257, replace=False)
    bits[np.arange(257, 2**12), pairs[0][chosen]] = 1
    bits[np.arange(257, 2**12), pairs[1][chosen]] = 1
    changed = np.packbits(bits, axis=1).view(np.uint16)
    assert len(np.unique(hash_pixels(changed, (4, 4)))) == 2**12
    one = pixels[:1]
    others = [
        hash_pixels(one, (2, 8)),
        hash_pixels(one, (4, 4)),
        hash_pixels(one.view("i2"), (4, 4)),
    ]
    assert len(np.unique(np.concatenate(others))) == 3


def test_highest_bits_alone_do_not_cancel_out():
    """With keys modulo 2**64 two flips of the top bit of words of 64 bits would."""
    pixels = np.zeros((28, 32), np.uint16)
    for row, (first, second) in enumerate([(a, b) for a in range(8) for b in range(a)]):
        pixels[row, [4 * first + 3, 4 * second + 3]] = 2**15
    assert len(np.unique(hash_pixels(pixels, (4, 8)))) == 28


@pytest.mark.parametrize("count", [0, 1])
def test_no_rasters_and_no_pixels(count):
    assert hash_pixels(np.zeros((count, 0), np.uint16), (0, 0)).shape == (count,)


def test_bands_that_lie_pixel_by_pixel_have_the_fingerprints_of_bands_one_by_one():
    pixels = np.arange(24, dtype=np.uint32).reshape(12, 2)
    assert (hash_pixels(pixels.T, (3, 4)) == hash_pixels(pixels.T.copy(), (3, 4))).all()
