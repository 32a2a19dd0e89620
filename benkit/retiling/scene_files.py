"""The bands of a Sentinel-2 product in a folder, and the patches that are cut from them."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from benkit.domain.layouts import BIGEARTHNET_S2, Band
from benkit.errors import InputFormatError, MissingInputError
from benkit.retiling.source import opened_pixels
from benkit.retiling.window import Window, pieces
from benkit.retiling.write_parts import write_plain_parts

_BAND_FILE = re.compile(r"(?:(?!MSK_).*_)?(B\d[\dA])(?:_(\d\d)m)?\.(?:tiff?|jp2)", re.IGNORECASE)


def find_bands(folder: Path) -> dict[str, Path]:
    """Find the files of the twelve bands, wherever they lie below a folder.

    A band's file is named ``B02.tif``, or ends so after ``_``: ``T32UMF_20180101T101010_B02_10m.jp2``
    in a SAFE folder, where only the band's own pixel size counts. Masks (``MSK_...``) do not. Raises
    `MissingInputError` if one is not there, or a folder cannot be listed, and `InputFormatError` if
    there are several of a band.
    """
    if not folder.is_dir():
        raise MissingInputError(
            f"{folder}: expected a folder with the bands of one Sentinel-2 product, "
            f"but there is {'a file' if folder.exists() else 'nothing'}"
        )
    found: dict[str, list[Path]] = {name: [] for name in BIGEARTHNET_S2.bands}
    for path in _all_below(folder):
        match = _BAND_FILE.fullmatch(path.name)
        band = BIGEARTHNET_S2.bands.get(match[1].upper()) if match else None
        if match and band and int(match[2] or band.pixel_size) == band.pixel_size:
            found[band.name].append(path)
    missing = [name for name, paths in found.items() if not paths]
    if missing:
        raise MissingInputError(
            f"{folder}: expected a GeoTIFF or JP2 of each of the {len(found)} bands, named as in "
            f"B02.tif or ..._B02_10m.jp2; there is none of {', '.join(missing)}"
        )
    for name, paths in found.items():
        if len(paths) > 1:
            raise InputFormatError(
                f"{folder}: expected one file of {name}, but there are {paths[0].name} and "
                f"{paths[1].relative_to(folder)}; leave only the one to be cut"
            )
    return {name: paths[0] for name, paths in found.items()}


def _all_below(folder: Path) -> list[Path]:
    """Everything below a folder, sorted; links to folders are not followed."""
    return sorted(
        Path(parent, name)
        for parent, subfolders, names in os.walk(folder, onerror=_refuse)
        for name in (*subfolders, *names)
    )


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
    """

    path: Path
    band: Band
    corner: tuple[float, float]
    patches: Sequence[Sequence[str]]
    target: Path

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
    with opened_pixels(cut.path) as source:
        place = (size, 0.0, x, 0.0, -size, y)
        like = replace(source.profile, nodata=cut.band.nodata, transform=place)
        chunks = pieces(cut.parts(), like.bytes_per_pixel)
        return sum(write_plain_parts(source, like, chunk) for chunk in chunks)
