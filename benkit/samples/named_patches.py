"""Patches of a sample as the description of a layout names and places them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from benkit.domain.layout import Layout
from benkit.domain.name_pattern import PART
from benkit.domain.patch_names import PATCH_METRES
from benkit.domain.tiles import parse_tile
from benkit.errors import InputFormatError, OptionError
from benkit.files.safe_names import require_single_name
from benkit.ground.projection import transform_between
from benkit.samples.plan import PlannedPatch, patches_in_order

_DATES = 4  # of a location, a season apart
_DAYS = 91
_MOST_REPEATED = 2_000  # names one after the other that were there already
_METRES_A_DEGREE = 111_320
_PIXEL = 10.0  # metres, where a layout does not say
_NOT_SQUARE = (1.00057, 0.99941)  # sides of pixels that were resampled, as those of EuroSAT
_CLASSES = (
    *("AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial"),
    *("Pasture", "PermanentCrop", "Residential", "River", "SeaLake"),
)
_WITHOUT_OFFSET = "N0300"  # a processing baseline


@dataclass(frozen=True)
class PatchExtent:
    """Where a patch lies: its upper-left corner, width and height in units of the CRS."""

    epsg: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class NamedPatch:
    """A patch of a sample.

    Attributes
    ----------
    base : PlannedPatch
        The patch of BigEarthNet whose tile, product and region it takes.
    above, name : str
        The folders above, with ``/``, and the name of its folder, or of its file without the suffix.
    patch_id : str
    parts : mapping of str to str
        What the parts of its names say.
    extent : PatchExtent
    ground : (int, int)
        Column and row of the pixel of its corner among those of the made-up ground.
    shown : str
        What differs between images of the same ground.
    error : str or None
        The kind of error planted in it.
    variant : int
        Number of the error among those of its kind.
    """

    base: PlannedPatch
    above: str
    name: str
    patch_id: str
    parts: Mapping[str, str]
    extent: PatchExtent
    ground: tuple[int, int]
    shown: str
    error: str | None = None
    variant: int = 0

    @property
    def folder(self) -> str:
        """Path of the folder in which its own files lie, if it has one, below the archive."""
        return f"{self.above}/{self.name}" if self.above else self.name


def named_patches(layout: Layout) -> Iterator[NamedPatch]:
    """Patches of a layout, each with an id of its own, as many as there are."""
    met: set[str] = set()
    repeated = 0
    first: dict[str, PlannedPatch] = {}
    series = "{location}" in layout.folder + layout.tells
    number = 0
    for base in patches_in_order():
        nearest = first.setdefault(base.product.anchor if series else base.product.name, base)
        if series and nearest.product is not base.product:
            continue  # locations do not share ground
        for visit in range(_DATES if series else 1):
            patch = name_patch(layout, base, number, visit, nearest)
            repeated = repeated + 1 if patch.patch_id in met else 0
            if not repeated:
                met.add(patch.patch_id)
                number += 1
                yield patch
        if repeated > _MOST_REPEATED:
            break
    raise OptionError(
        f"layout {layout.name}: expected names that tell many patches apart, but {layout.tells} makes "
        f"{len(met):,} different ones; give it a part such as {{number}}"
    )


def name_patch(
    layout: Layout, base: PlannedPatch, number: int, visit: int, nearest: PlannedPatch
) -> NamedPatch:
    """The patch of a layout with a number, on one of the visits to its place.

    ``nearest`` is the patch from which others are laid out where names tell no place.
    """
    parts = _parts(layout, base, number, visit)
    corner = base.parsed.footprint
    wide, high = _metres(layout)
    x, y = float(corner.x), float(corner.y)
    if layout.grid_metres:
        tile = parse_tile(parts["tile"].removeprefix("T"))
        x = float(tile.west + layout.grid_metres * int(parts["column"]))
        y = float(tile.north - layout.grid_metres * int(parts["row"]))
    else:  # side by side, whatever their size
        x += (base.parsed.column - nearest.parsed.column) * (round(wide) - PATCH_METRES)
        y -= (base.parsed.row - nearest.parsed.row) * (round(high) - PATCH_METRES)
    extent = PatchExtent(corner.epsg, x, y, wide, high)
    if "location" in parts and not any(band.pixel_size for band in layout.bands.values()):
        extent = _in_degrees(extent)
    above, name = _names(layout, parts, number)
    patch = NamedPatch(
        base, above, name, "", parts, extent, (int(x // _PIXEL), int(-y // _PIXEL)), ""
    )
    patch = renamed(layout, patch, above, name)
    read = layout.parts(patch.patch_id) if layout.tells else {}
    if read is None or not layout.belongs(above, patch.patch_id):
        raise InputFormatError(
            f"layout {layout.name}: expected tells to be the form of the ids of patches, but "
            f"{patch.patch_id}, made of folder and tells, "
            + (
                f"has not the form {layout.tells}"
                if read is None
                else "reads in another way, too; put other text between parts"
            )
        )
    return replace(patch, shown=patch.patch_id)


def renamed(layout: Layout, patch: NamedPatch, above: str, name: str) -> NamedPatch:
    """The same patch in other folders or of another name."""
    for level in above.split("/") if above else []:
        require_single_name(level)
    before = f"{above.replace('/', '_')}_" if layout.id == "path" and above else ""
    return replace(patch, above=above, name=require_single_name(name), patch_id=before + name)


def with_baseline(layout: Layout, patch: NamedPatch, baseline: str) -> NamedPatch:
    """The same patch of another processing baseline, whose names tell it."""
    parts = {**patch.parts, "baseline": baseline}
    if "product" in parts and layout.product:
        parts["product"] = _filled(layout.product, parts)
    return renamed(layout, replace(patch, parts=parts), *_names(layout, parts, 0))


def _names(layout: Layout, parts: Mapping[str, str], number: int) -> tuple[str, str]:
    """The folders above a patch, and its name."""
    levels = layout.folder.split("/") if layout.folder else []
    above = "/".join(parts[level.strip("{}")] for level in levels if level != "{patch}")
    before = f"{above.replace('/', '_')}_" if layout.id == "path" and above else ""
    name = _filled(layout.tells, parts) if layout.tells else f"patch_{number:05d}"
    if layout.product and not layout.tells:
        name = f"{parts['product']}_{name}"
    return above, name.removeprefix(before)


def _filled(pattern: str, parts: Mapping[str, str]) -> str:
    return PART.sub(lambda part: parts[part[1]], pattern)


def _parts(layout: Layout, base: PlannedPatch, number: int, visit: int) -> dict[str, str]:
    """What each part of the names of a patch says; parts without a known meaning tell patches apart.

    Those of radar are of the Sentinel-1 scene beside the product.
    """
    radar = any(band.unit == "dB" for band in layout.bands.values())
    product, tile = base.parsed.product, base.parsed.product.tile.name
    mission, *_, start = base.product.radar.split("_")
    time = product.sensing_start + timedelta(days=_DAYS * visit)
    known = {
        "mission": mission if radar else product.mission,
        "unit": product.mission[-1],
        "date": start if radar and not visit else f"{time:%Y%m%dT%H%M%S}",
        "end": f"{time + timedelta(seconds=25):%Y%m%dT%H%M%S}",
        "processed": f"{time + timedelta(hours=4):%Y%m%dT%H%M%S}",
        "polarisation": "1SDV",
        "baseline": _WITHOUT_OFFSET,
        "orbit": product.orbit,
        "tile": tile if radar else f"T{tile}",
        "column": str(base.parsed.column),
        "row": str(base.parsed.row),
        "class": _CLASSES[number % len(_CLASSES)],
        "location": f"{number // _DATES:07d}",
        "region": base.product.region,
    }
    in_folders = PART.findall(layout.folder)
    parts = {name: base.product.region for name in in_folders if name != "patch"}
    parts |= {name: str(number) for name in PART.findall(layout.tells) if name not in in_folders}
    parts |= dict.fromkeys(PART.findall(layout.product), base.product.region) | parts
    parts |= {name: value for name, value in known.items() if name in parts}
    if "product" in parts:
        whole = str(product).replace("_", "" if "{product}" in layout.tells else "_")
        parts["product"] = _filled(layout.product, parts) if layout.product else whole
    return parts


def _metres(layout: Layout) -> tuple[float, float]:
    """Width and height of a patch on the ground."""
    bands = layout.bands.values()
    if any(band.pixel_size for band in bands):
        wide = max(band.width * band.pixel_size for band in bands)
        return wide, max(band.height * band.pixel_size for band in bands)
    wide, high = (_PIXEL * side for side in _NOT_SQUARE)
    return wide * max(band.width for band in bands), high * max(band.height for band in bands)


def _in_degrees(extent: PatchExtent) -> PatchExtent:
    east, north = transform_between(extent.epsg, 4326)(np.array(extent.x), np.array(extent.y))
    lon, lat = round(float(east), 9), round(float(north), 9)
    of_longitude = _METRES_A_DEGREE * math.cos(math.radians(lat))
    width, height = extent.width / of_longitude, extent.height / _METRES_A_DEGREE
    return PatchExtent(4326, lon, lat, round(width, 9), round(height, 9))
