"""Write windows of a raster as GeoTIFFs of their own, and verify each."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benkit.engine import Engine, run
from benkit.errors import OptionError
from benkit.retiling.gdal_part import COMPRESSIONS, GdalPartWriter
from benkit.retiling.plain_part import fits_plain, opened_plain, write_plain_part
from benkit.retiling.source import GdalSource, gdal_errors, opened_by_gdal
from benkit.retiling.window import PixelSource, Window, pieces
from benkit.tiff.gdal import gdal_session
from benkit.tiff.plain import encode_header
from benkit.tiff.raster import RasterProfile

__all__ = [
    "COMPRESSIONS",
    "PartForm",
    "kept_by_parts",
    "part_form",
    "write_parts",
    "write_plain_parts",
]

_PLAIN_BYTES_TOGETHER = 2**23  # little, so that threads end at about the same time


@dataclass(frozen=True)
class PartForm:
    """Bands of parts, from 1 and in order, and their compression, if they differ from the raster's.

    ``one_mask`` says that the bands have masks of their own, and all the same.
    """

    bands: tuple[int, ...] | None = None
    compression: str | None = None
    one_mask: bool = False

    @property
    def keeps_plain(self) -> bool:
        """Whether parts of a plain file are plain."""
        return self.bands in (None, (1,)) and self.compression in (None, "none")


def part_form(
    source: Path, profile: RasterProfile, bands: Sequence[int] | None, compression: str | None
) -> PartForm:
    """Check how parts are to differ from a raster; raises `OptionError`."""
    if compression not in (None, *COMPRESSIONS):
        raise OptionError(f"compression {compression}: expected {', '.join(COMPRESSIONS)}")
    absent = [band for band in bands or () if not 1 <= band <= profile.bands]
    if absent or (bands is not None and not bands):
        raise OptionError(
            f"{source}: has no band {absent[0] if absent else 'of an empty list'}; "
            f"expected numbers from 1 to {profile.bands}"
        )
    return PartForm(tuple(bands) if bands else None, compression)


def kept_by_parts(path: Path, form: PartForm) -> tuple[PartForm, tuple[str, ...]]:
    """The form with the mask that parts can have, and what they cannot keep of the raster."""
    with opened_plain(path) as plain:
        if plain:
            return form, ()
    with opened_by_gdal(path, form.bands) as raster:
        lost = list(GdalPartWriter(raster, form.compression).lost)
        with gdal_errors(path):
            if raster.has_geolocation:
                lost.append("geolocation array")
        one_mask = raster.has_own_masks and raster.masks_are_one()
        if raster.has_own_masks and not one_mask:
            lost.append("masks of single bands")
    return replace(form, one_mask=one_mask), tuple(lost)


def write_parts(
    path: Path, form: PartForm, parts: Mapping[Window, Path], engine: Engine | None = None
) -> int:
    """Write parts of a raster, given row by row from the north, to their files; returns how many.

    Each file is read back and compared with the source. What leaves the raster to the south or east is
    filled with the NO_DATA value, or with 0 if none is declared. Parts of a plain file are cut by
    threads of this process, others by the engine.
    """
    with opened_plain(path) as plain:
        if plain and form.keeps_plain and all(map(fits_plain, parts)):
            chunks = pieces(parts, plain.profile.bytes_per_pixel, _PLAIN_BYTES_TOGETHER)
            with ThreadPoolExecutor((engine or Engine()).local_workers(len(chunks))) as pool:
                return sum(pool.map(partial(write_plain_parts, plain, plain.profile), chunks))
    with opened_by_gdal(path, form.bands, one_mask=form.one_mask) as raster:
        chunks = pieces(parts, raster.profile.bytes_per_pixel)
    return sum(run(partial(_cut_with_gdal, path, form), chunks, engine))


def write_plain_parts(
    source: PixelSource, like: RasterProfile, parts: Mapping[Window, Path]
) -> int:
    """Write parts as plain files from one piece in memory; see `write_plain_part`."""
    pixels = source.holding(list(parts))
    for window, target in parts.items():
        write_plain_part(pixels, window, target, like)
    return len(parts)


def _cut_with_gdal(path: Path, form: PartForm, parts: Mapping[Window, Path]) -> int:
    """Write parts one by one, by hand as soon as GDAL has shown that they are plain files."""
    with opened_by_gdal(path, form.bands, one_mask=form.one_mask) as raster:
        writer = GdalPartWriter(raster, form.compression)
        pixels = raster.holding(list(parts))
        like = None
        with gdal_session():  # the folder of the parts may be full
            for window, target in parts.items():
                if like and fits_plain(window):
                    write_plain_part(pixels, window, target, like)
                else:
                    writer.write(pixels, window, target)
                    like = _plain_profile(raster, window, target)
    return len(parts)


def _plain_profile(raster: GdalSource, window: Window, part: Path) -> RasterProfile | None:
    """Profile of a raster as a plain file, if its part by GDAL is the one that we would write."""
    with opened_plain(part) as plain:
        if plain is None:
            return None
        like = replace(plain.profile, transform=raster.profile.transform)
        if like.pixel_size is None:
            return None
        plain.file.seek(0)
        same = plain.file.read(plain.header.pixel_offset) == encode_header(window.profile(like))
        return like if same else None
