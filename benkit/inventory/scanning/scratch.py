"""Memory that a thread uses again and again: fresh pages can cost more than the work on them."""

import math
import threading

import numpy as np
from numpy.typing import DTypeLike, NDArray


class _Scratch(threading.local):
    """Bytes by name of their use."""

    def __init__(self) -> None:
        self.kept: dict[str, NDArray[np.uint8]] = {}


_scratch = _Scratch()


def scratch(use: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """An array of any content for a use, the same memory as before for the same use in this thread."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if use not in _scratch.kept or len(_scratch.kept[use]) < size:
        _scratch.kept[use] = np.empty(size, np.uint8)
    return _scratch.kept[use][:size].view(dtype).reshape(shape)
