"""The bands of a Sentinel-2 product in a folder, and the patches that are cut from them."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layout import Band
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.file_kinds import is_hidden
from benkit.retiling.source import opened_pixels
from benkit.retiling.window import PixelSource, Window, pieces
from benkit.retiling.write_parts import write_plain_parts
from benkit.tiff.raster import RasterProfile, same_pixel

_SIZE_FOLDER = re.compile(r"R?(\d\d)m", re.IGNORECASE)
_BAND_FILE = re.compile(r"(?:(?!MSK_).*_)?(B\d[\dA])(?:_(\d\d)m)?\.(?:tiff?|jp2)", re.IGNORECASE)


def find_bands(folder: Path) -> dict[str, Path]:
    """Find the files of the twelve bands, wherever they lie below a folder.

    A band's file is named ``B02.tif``, or ends so after ``_``: ``T32UMF_20180101T101010_B02_10m.jp2``
    in a SAFE folder. Only that in the band's own pixel size counts, as the name, a folder above it
    (``R10m/B02.jp2``) or, where these name several or none, the raster says. Masks (``MSK_...``) and
    hidden files (see `is_hidden`) do not. Raises `MissingInputError` if one is not there, or a folder
    cannot be listed, and `InputFormatError` if there are several of a band.
    """
    if not folder.is_dir():
        raise MissingInputError(
            f"{folder}: expected a folder with the bands of one Sentinel-2 product, "
            f"but there is {'a file' if folder.exists() else 'nothing'}"
        )
    found: dict[str, list[Path]] = {name: [] for name in BIGEARTHNET_S2.bands}
    others: dict[str, list[Path]] = {name: [] for name in BIGEARTHNET_S2.bands}
    for path in _all_below(folder):
        match = _BAND_FILE.fullmatch(path.name)
        band = BIGEARTHNET_S2.bands.get(match[1].upper()) if match else None
        if match and band:
            size = match[2] or _size_of_folder(path.relative_to(folder)) or band.pixel_size
            (found if int(size) == band.pixel_size else others)[band.name].append(path)
    for name, paths in found.items():
        if len(paths) != 1:
            some = paths or others[name]
            found[name] = [path for path in some if _has_size(path, BIGEARTHNET_S2.bands[name])]
    missing = [name for name, paths in found.items() if not paths]
    if missing:
        raise MissingInputError(
            f"{folder}: expected a GeoTIFF or JP2 of each of the {len(found)} bands in its own pixel "
            "size, named as in B02.tif, ..._B02_10m.jp2 or R10m/B02.jp2; "
            f"there is none of {', '.join(missing)}"
        )
    for name, paths in found.items():
        if len(paths) > 1:
            raise InputFormatError(
                f"{folder}: expected one file of {name}, but there are "
                f"{paths[0].relative_to(folder)} and {paths[1].relative_to(folder)}; "
                "leave only the one to be cut"
            )
    return {name: paths[0] for name, paths in found.items()}


def _all_below(folder: Path) -> list[Path]:
    """All that is not hidden below a folder, sorted; links to folders are not followed."""
    found = []
    for parent, subfolders, names in os.walk(folder, onerror=_refuse):
        subfolders[:] = [name for name in subfolders if not is_hidden(name)]
        found += [Path(parent, name) for name in (*subfolders, *names) if not is_hidden(name)]
    return sorted(found)


def _size_of_folder(path: Path) -> str | None:
    """The pixel size in metres that the nearest folder above a file says, if one does."""
    matches = (_SIZE_FOLDER.fullmatch(name) for name in reversed(path.parent.parts))
    return next((match[1] for match in matches if match), None)


def _has_size(path: Path, band: Band) -> bool:
    """Whether the pixels of a raster are those of a band."""
    with opened_pixels(path) as source:
        return same_pixel(source.profile.pixel_size or 0, band.pixel_size)


def _refuse(error: OSError) -> NoReturn:
    raise MissingInputError(
        f"{error.filename}: expected a folder of a Sentinel-2 product, but it cannot be listed: "
        f"{error.strerror}"
    ) from None


@dataclass(frozen=True)
class BandCut:
    """The patches that are cut from the file of a band.

    Attributes
    ----------
    path : Path
        The file of the band.
    band : Band
    corner : tuple of float
        Upper-left corner of the first patch, x and y in metres.
    patches : sequence of sequence of str
        Patch ids, row by row from the north, each from the west.
    target : Path
        Folder of the product, with a folder for each patch.
    offset : int
        What is taken off the digital numbers; NO_DATA stays, and what would be less than 1 is 1.
    """

    path: Path
    band: Band
    corner: tuple[float, float]
    patches: Sequence[Sequence[str]]
    target: Path
    offset: int = 0

    def parts(self) -> dict[Window, Path]:
        """The window of each patch, row by row, and the file to write."""
        side = self.band.side
        return {
            Window(row * side, column * side, side, side): self.target
            / patch_id
            / BIGEARTHNET_S2.band_file(patch_id, self.band.name)
            for row, ids in enumerate(self.patches)
            for column, patch_id in enumerate(ids)
        }


def cut_band(cut: BandCut) -> int:
    """Write the patches of a band as the archive has them, and verify each; returns how many."""
    size, (x, y) = float(cut.band.pixel_size), cut.corner
    with opened_pixels(cut.path) as opened:
        source: PixelSource = opened
        place = (size, 0.0, x, 0.0, -size, y)
        like = replace(source.profile, nodata=cut.band.nodata, transform=place)
        if cut.offset:
            source = _WithoutOffset(source, source.profile, cut.offset)
        chunks = pieces(cut.parts(), like.bytes_per_pixel)
        return sum(write_plain_parts(source, like, chunk) for chunk in chunks)


@dataclass(frozen=True)
class _WithoutOffset(PixelSource):
    """The same digital numbers without what was added to them."""

    source: PixelSource
    profile: RasterProfile
    offset: int

    def read_inside(self, window: Window) -> NDArray:
        pixels = self.source.read_inside(window)
        lower = np.maximum(pixels.astype(np.int64) - self.offset, 1).astype(pixels.dtype)
        return np.where(pixels == 0, pixels, lower)
