"""What a model is to predict: labels of patches as 0 and 1, reference maps as numbers of classes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.archive.listing import PatchFolder
from benkit.datasets.arrays.resample import resampled
from benkit.domain.classes import CLASSES, CLC_TO_CLASS, CODE_LIMIT, class_order
from benkit.errors import OptionError
from benkit.metadata.metadata import Metadata
from benkit.reference_maps.map_files import MAP_SUFFIX
from benkit.reference_maps.read_map import read_map_raster, require_known
from benkit.tiff.raster import is_nodata

UNLABELLED = len(CLASSES)
"""Number of pixels of a reference map that belong to none of the 19 classes, 19."""

_UNKNOWN = 255


def classes_of(metadata: Metadata | None, order: str) -> tuple[str, ...]:
    """The classes of labels in an order: those of BigEarthNet, or of another archive by name.

    Raises
    ------
    OptionError
        If there is no such order of these labels.
    """
    of_bigearthnet = class_order(order)
    found = () if metadata is None else metadata.labels.names
    if set(found) <= set(CLASSES):
        return of_bigearthnet
    if order != "alphabetical":
        other = min(set(found) - set(CLASSES))
        raise OptionError(
            "expected the order alphabetical of labels other than the 19 classes of BigEarthNet, such "
            f"as {other!r}, but it is {order!r}"
        )
    return found


def multi_hot(metadata: Metadata, classes: tuple[str, ...]) -> NDArray[np.uint8]:
    """1 where a patch has a class, else 0: (n, classes)."""
    labels = metadata.labels
    column = np.array([classes.index(name) for name in labels.names], np.int64)
    hot = np.zeros((len(metadata), len(classes)), np.uint8)
    hot[labels.patch, column[labels.value]] = 1
    return hot


def class_numbers(order: str) -> NDArray[np.uint8]:
    """The number of the class of each CLC code in an order, `UNLABELLED` of codes in none; else 255."""
    classes = class_order(order)
    numbers = np.full(CODE_LIMIT + 1, _UNKNOWN, np.uint8)
    for code, name in CLC_TO_CLASS.items():
        numbers[code] = classes.index(name) if name in classes else UNLABELLED
    return numbers


def read_target(
    maps: Path, patch: PatchFolder, numbers: NDArray[np.uint8], size: int | None
) -> NDArray[np.uint8]:
    """The number of the class of each pixel of a patch's reference map: (height, width).

    Raises
    ------
    MissingInputError
        If there is no ``<maps>/<product>/<patch id>/<patch id>_reference_map.tif``.
    InputFormatError
        If a pixel is neither NO_DATA nor a CLC code.
    """
    path = maps / patch.path / f"{patch.name}{MAP_SUFFIX}.tif"
    raster = read_map_raster(path)
    codes = raster.pixels[0]
    found = numbers.take(codes, mode="clip")
    if raster.nodata is not None:
        found[is_nodata(codes, raster.nodata)] = UNLABELLED
    if (found == _UNKNOWN).any():
        require_known(path, codes[found == _UNKNOWN], "in the pixels")
    return found if size is None else resampled(found, (size, size), "nearest")
