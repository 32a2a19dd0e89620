"""Errors that a sample plants on purpose, as they happen in archives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import PatchId
from benkit.tiff.plain import encode

_SHIFT = 600  # metres
_EVERY_FEW = 3  # of the errors with variants


@dataclass(frozen=True)
class _Band:
    pixels: NDArray
    epsg: int
    x: int
    y: int
    pixel_size: float
    nodata: float | None


_Bands = dict[str, _Band]


def band_files(
    patch: PatchId, pixels: Mapping[str, NDArray[np.uint16]], error: str | None, variant: int
) -> dict[str, bytes]:
    """The files of a patch's folder by name, with an error of a kind planted in them, or none.

    Pixels are (side, side) arrays by band. Errors of one kind differ by their variant: other bands,
    other extents.
    """
    patch_id, corner = str(patch), patch.footprint
    bands = {
        name: _Band(values, corner.epsg, corner.x, corner.y, band.pixel_size, band.nodata)
        for name, band in BIGEARTHNET_S2.bands.items()
        for values in [pixels[name]]
    }
    if error in _DAMAGES:
        bands = _DAMAGES[error](bands, variant)
    files = {
        BIGEARTHNET_S2.band_file(patch_id, name): encode(**vars(band))
        for name, band in bands.items()
    }
    if error == "unreadable":
        name = BIGEARTHNET_S2.band_file(patch_id, _some_band(variant))
        files[name] = unreadable_file(files[name], variant)
    if error == "stray_file":
        files |= _strays(patch_id, files, variant)
    return files


def moves_patch(error: str | None, variant: int) -> bool:
    """Whether most bands of a patch with an error cover other ground than it should."""
    return (error == "wrong_size" and variant % _EVERY_FEW == 2) or (
        error == "wrong_georeference" and variant % 2 == 0
    )


def _some_band(variant: int) -> str:
    return BIGEARTHNET_S2.band_names[(5 * variant + 1) % len(BIGEARTHNET_S2.band_names)]


def unreadable_file(content: bytes, variant: int) -> bytes:
    """Cut off while it was copied, empty, or another file altogether."""
    return (content[: len(content) // 2], b"", b"<html>404 Not Found</html>\n")[variant % 3]


def _strays(patch_id: str, files: Mapping[str, bytes], variant: int) -> dict[str, bytes]:
    """Files that other programs leave behind, or a band that patches do not have."""
    return (
        {
            BIGEARTHNET_S2.band_file(patch_id, "B10"): files[
                BIGEARTHNET_S2.band_file(patch_id, "B09")
            ]
        },
        {"Thumbs.db": b"\0" * 512},
        {BIGEARTHNET_S2.band_file(patch_id, "B04") + ".aux.xml": b"<PAMDataset></PAMDataset>\n"},
    )[variant % 3]


def _crop(bands: _Bands, variant: int) -> _Bands:
    """One band, or every band, without its last rows or columns."""
    names = BIGEARTHNET_S2.band_names if variant % _EVERY_FEW == 2 else (_some_band(variant),)
    keep = (slice(None, -1), slice(None)) if variant % 2 else (slice(None), slice(None, -2))
    return bands | {name: replace(bands[name], pixels=bands[name].pixels[keep]) for name in names}


def _swath_edge(bands: _Bands, variant: int) -> _Bands:
    """No measurement beyond a sloping edge in all bands, in a square of one band, or in all of one."""
    if variant % _EVERY_FEW == 0:
        return {name: _fill(band, _beyond_edge(len(band.pixels))) for name, band in bands.items()}
    name = _some_band(variant)
    side = len(bands[name].pixels)
    lost = np.ones((side, side), bool)
    if variant % _EVERY_FEW == 1:
        lost[side // 4 :] = lost[:, side // 4 :] = False
    return bands | {name: _fill(bands[name], lost)}


def _beyond_edge(side: int) -> NDArray[np.bool_]:
    row, column = np.mgrid[:side, :side]
    return 5 * column + row > 4 * side


def _fill(band: _Band, lost: NDArray[np.bool_]) -> _Band:
    return replace(band, pixels=np.where(lost, band.pixels.dtype.type(band.nodata), band.pixels))


def _drop(bands: _Bands, variant: int) -> _Bands:
    """One band is not there, or all of one pixel size are not."""
    name = _some_band(variant)
    if variant % _EVERY_FEW == 2:
        size = BIGEARTHNET_S2.bands[name].pixel_size
        return {
            other: band
            for other, band in bands.items()
            if BIGEARTHNET_S2.bands[other].pixel_size != size
        }
    return {other: band for other, band in bands.items() if other != name}


def _retype(bands: _Bands, variant: int) -> _Bands:
    name = _some_band(variant)
    dtype = np.int16 if variant % 2 == 0 else np.uint32
    return bands | {name: replace(bands[name], pixels=bands[name].pixels.astype(dtype))}


def _shift(bands: _Bands, variant: int) -> _Bands:
    """One band, or every band, lies half a patch too far east."""
    names = BIGEARTHNET_S2.band_names if variant % 2 == 0 else (_some_band(variant),)
    return bands | {name: replace(bands[name], x=bands[name].x + _SHIFT) for name in names}


def _other_zone(bands: _Bands, variant: int) -> _Bands:
    """One band claims to lie in the next UTM zone."""
    name = _some_band(variant)
    band = bands[name]
    hemisphere, zone = divmod(band.epsg, 100)
    return bands | {name: replace(band, epsg=100 * hemisphere + zone % 60 + 1)}


# The other kinds of errors are not in the bands.
_DAMAGES: Mapping[str | None, Callable[[_Bands, int], _Bands]] = {
    "wrong_size": _crop,
    "with_no_data": _swath_edge,
    "missing_band": _drop,
    "wrong_dtype": _retype,
    "wrong_georeference": _shift,
    "crs_disagreement": _other_zone,
}
