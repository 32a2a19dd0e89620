"""The map of a report: all patches in a few bytes each, drawn by the page's own script.

Nothing is loaded from elsewhere. Patches of BigEarthNet are stored by product, column and row; the
script computes their coordinates from nine points of each product's grid, between which a quadratic
surface is exact to metres. Of others the page holds names and coordinates.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from benkit.domain.classes import CLASSES
from benkit.domain.patch_names import PATCH_METRES, PATCHES_PER_SIDE
from benkit.domain.seasons import SEASONS
from benkit.files.safe_names import printable
from benkit.files.tables.table import one_array
from benkit.ground.distance_plane import centre_degrees, to_plane
from benkit.ground.footprints import Footprints, are_patch_ids, join_footprints, locate
from benkit.ground.projection import project, project_from_zones
from benkit.ground.rectangles import Rectangles
from benkit.inventory.findings import KINDS
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata
from benkit.metadata.patch_list import rows_of
from benkit.reporting.graticule import graticule
from benkit.reporting.outlines import OUTLINES_SOURCE, stepped_outlines
from benkit.reporting.page.markup import data_block, escape, json_block, section
from benkit.reporting.style import MAP_COLOURS
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES

_MOST_DRAWN = 1_500_000
_MOST_PLACED = 250_000  # whose names take most of the page
_SOME_DRAWN = """
<p class="scripted">Drawn are {:,} of {:,} patches: at random, and those with findings.</p>
"""
_SIDES = ("", *SIDES)
_OUTLINE_STEP, _AROUND = 100, 1_500_000  # metres
_NO_SEASON, _MOST_LABELS = 255, 400
_SIDE_METRES = PATCHES_PER_SIDE * PATCH_METRES
_FRAME = """
<noscript><p>The map needs scripts, which this browser does not run.</p></noscript>
<div class="controls scripted">
  <label>Colour by <select id="map-colour">{options}</select></label>
  <span id="map-legend" class="legend" aria-live="polite"></span>
</div>
<div class="map scripted">
  <canvas tabindex="0" role="img" aria-label="Map of all patches. Arrow keys move it, plus and minus
    zoom, Enter lists the patches in the middle."></canvas>
  <div class="zoom">
    <button type="button" aria-label="Zoom in">+</button>
    <button type="button" aria-label="Zoom out">−</button>
    <button type="button" aria-label="Show everything">⤢</button>
  </div>
  <p class="waiting" role="status">The map is being unpacked …</p>
  <aside class="square" aria-label="Patches of the square" hidden>
    <button type="button" class="close" aria-label="Close">×</button>
    <h3 role="status"></h3>
    <div class="about muted"></div>
    <ul></ul>
    <button type="button" class="others" hidden></button>
  </aside>
</div>
<p class="muted scripted">Projection EPSG:{epsg}. {source}.
  <span class="on-screen">Drag or use the arrow keys; zoom with + and −,
  or after a click with the wheel; click, or press Enter, for the patches there.</span></p>
"""


def map_section(
    metadata: Metadata,
    on_disk: Sequence[str],
    findings: pa.Table | None,
    split: Split | None,
) -> str:
    """The map of all patches of the metadata and of those on disk.

    Parameters
    ----------
    metadata : Metadata
    on_disk : sequence of str
        Patches that the metadata does not hold; each a valid patch id. Where ids tell no place they are
        not drawn.
    findings : pyarrow.Table, optional
        With ``patch_id`` and ``kind``.
    split : Split, optional
        Whose rows are those of the metadata.
    """
    ground, every = metadata.ground, len(metadata)
    tell = metadata.places is None or are_patch_ids(metadata.table["patch_id"]).all()
    placed = not (tell and isinstance(ground, Footprints) and ground.on_tile_grid)
    metadata, split = _drawn(metadata, findings, split, _MOST_PLACED if placed else _MOST_DRAWN)
    if placed:
        return _placed_map(metadata, findings, split, every)
    own = metadata.table["patch_id"].combine_chunks()  # which tell the places
    ids = pa.concat_arrays([own, pa.array(on_disk, pa.string())])
    if not len(ids):
        return ""
    order = pc.sort_indices(ids).to_numpy()
    ids = ids.take(pa.array(order))
    others = locate(on_disk)
    places = join_footprints(metadata.footprints, others).take(order)
    row = np.argsort(order)[: len(metadata)]
    side = np.zeros(len(ids), np.uint8)
    if split is not None:
        side[row] = split.code + 1
    planes: list[NDArray] = [places.column, places.row, side, _season_codes(places)]
    planes += [*_label_bits(len(ids), row, metadata.labels, CLASSES), *_finding_bits(ids, findings)]
    degrees = np.concatenate([metadata.degrees, centre_degrees(others)])[order]
    centres, epsg = to_plane(degrees)
    facts = _facts(centres, epsg, PATCH_METRES, CLASSES)
    facts["products"] = _products(places, ids, epsg)
    facts["countries"] = _countries(centres[row], metadata.countries)
    return _section(facts, planes, findings, every, has_split=split is not None, has_season=True)


def _drawn(
    metadata: Metadata, findings: pa.Table | None, split: Split | None, most: int
) -> tuple[Metadata, Split | None]:
    """The same patches, or of more than most so many at random, with those that have findings."""
    if len(metadata) <= most:
        return metadata, split
    drawn = np.zeros(len(metadata), bool)
    drawn[metadata.by_id[np.random.default_rng(0).permutation(len(metadata))[:most]]] = True
    if findings is not None:
        named = findings["patch_id"].unique().slice(0, most)
        ids = one_array(metadata.table["patch_id"])
        drawn[rows_of(named.cast(pa.string()), ids).drop_null().to_numpy()] = True
    some = metadata.filter(drawn)
    return some, split and Split.of_rows(some.patch_ids, split.code[drawn], split.names)


def _placed_map(
    metadata: Metadata, findings: pa.Table | None, split: Split | None, every: int
) -> str:
    """The map of patches whose ids tell no place, each with its name and its coordinates."""
    if not len(metadata):
        return ""
    centres, epsg = to_plane(metadata.degrees)
    side = _median_side(metadata, epsg)
    names = metadata.labels.names if len(metadata.labels.names) <= _MOST_LABELS else ()
    facts = _facts(centres, epsg, side, names)
    facts["countries"] = _countries(centres, metadata.countries)
    seasons = metadata.seasons
    season = np.full(len(metadata), _NO_SEASON, np.uint8)
    code = np.array([SEASONS.index(name) for name in seasons.names], np.uint8)
    season[seasons.patch] = code[seasons.value]
    on_side = np.zeros(len(metadata), np.uint8) if split is None else split.code + 1
    nothing = np.zeros(len(metadata), np.uint8)
    planes = [nothing, nothing, on_side, season]
    planes += _label_bits(len(metadata), np.arange(len(metadata)), metadata.labels, names)
    named = one_array(metadata.table["patch_id"])
    planes += _finding_bits(named, findings)
    tenths = np.round(10 * (centres - facts["bounds"][:2])).astype("<u4")
    planes += [*tenths.view(np.uint8).reshape(len(metadata), 8).T]
    ids = "\n".join(map(printable, named.to_pylist())).encode()
    section = _section(
        facts,
        planes,
        findings,
        every,
        has_split=split is not None,
        has_season=len(seasons.patch) > 0,
    )
    return section.replace("</section>", f"{data_block('map-names', ids)}</section>")


def _median_side(metadata: Metadata, epsg: int) -> float:
    """How large most patches are, in metres; those of points may have no size."""
    ground = metadata.ground
    if isinstance(ground, Rectangles):
        extents = np.ptp(ground.rings(epsg), axis=1).max(1)
        return float(np.round(np.median(extents), 3))
    return float(getattr(ground, "edge", PATCH_METRES) or PATCH_METRES)


def _section(
    facts: dict[str, Any],
    planes: Sequence[NDArray],
    findings: pa.Table | None,
    every: int,
    *,
    has_split: bool,
    has_season: bool,
) -> str:
    """The frame of the map, and its data."""
    facts["kinds"] = [] if findings is None else [kind.title for kind in KINDS.values()]
    modes = [("findings", "findings")] if findings is not None and len(findings) else []
    modes += [("side", "side of the split")] if has_split else []
    modes += [("patches", "number of patches"), *([("season", "season")] if has_season else [])]
    modes += [(f"label:{index}", f"label: {name}") for index, name in enumerate(facts["labels"])]
    if findings is not None:
        found = set(findings["kind"].unique().to_pylist())
        modes += [
            (f"kind:{index}", f"finding: {kind.title}")
            for index, kind in enumerate(KINDS.values())
            if kind.name in found
        ]
    options = "".join(f'<option value="{value}">{escape(name)}</option>' for value, name in modes)
    return section(
        "map",
        "Map",
        _FRAME.format(options=options, epsg=facts["epsg"], source=OUTLINES_SOURCE),
        _SOME_DRAWN.format(facts["patches"], every) if facts["patches"] < every else "",
        json_block("map-facts", facts),
        data_block("map-outlines", _outlines(facts["bounds"], facts["epsg"])),
        data_block("map-data", np.stack(planes).astype(np.uint8).tobytes()),
    )


def _outlines(bounds: Sequence[float], epsg: int) -> bytes:
    """Coasts and borders within the bounds and far around them, since the map moves and zooms out."""
    west, south, east, north = bounds
    margin = max(east - west, north - south, _AROUND)
    around = (west - margin, south - margin, east + margin, north + margin)
    lines = {"step": _OUTLINE_STEP, **stepped_outlines(around, epsg, _OUTLINE_STEP)}
    return json.dumps(lines, separators=(",", ":")).encode()


def _season_codes(places: Footprints) -> NDArray:
    codes = np.array([SEASONS.index(product.season) for product in places.products])
    return codes[places.product]


def _label_bits(
    patches: int, row: NDArray, labels: Categories, names: Sequence[str]
) -> list[NDArray]:
    """Bits of the labels of patches in some rows; a label that is none of the names has none."""
    place = {name: number for number, name in enumerate(names)}
    value = np.array([place.get(name, -1) for name in labels.names], int)[labels.value]
    return _bits(patches, row[labels.patch[value >= 0]], value[value >= 0], len(names))


def _finding_bits(ids: pa.Array, findings: pa.Table | None) -> list[NDArray]:
    if findings is None:
        return []
    patch = rows_of(one_array(findings["patch_id"]), ids)
    kind = pc.index_in(findings["kind"], pa.array(KINDS, pa.string()))
    known = pc.is_valid(patch)
    return _bits(len(ids), patch.filter(known), kind.filter(known), len(KINDS))


def _bits(patches: int, patch: ArrayLike, value: ArrayLike, names: int) -> list[NDArray]:
    """One bit a name, in planes of eight: set where a patch has the value."""
    bits = np.zeros((patches, names), bool)
    bits[np.asarray(patch, int), np.asarray(value, int)] = True
    return list(np.packbits(bits, axis=1, bitorder="little").T)


def _facts(centres: NDArray, epsg: int, side: float, labels: Sequence[str]) -> dict[str, Any]:
    """What the script needs beside the patches: names, colours, bounds, graticule."""
    west, south = np.floor(centres.min(0)) - np.ceil(side)
    east, north = np.ceil(centres.max(0)) + np.ceil(side)
    return {
        "patches": len(centres),
        "epsg": epsg,
        "side": side,
        "bounds": [west, south, east, north],
        "products": [],
        "labels": list(labels),
        "seasons": list(SEASONS),
        "sides": list(_SIDES),
        "colours": MAP_COLOURS,
        "graticule": _lines((west, south, east, north), epsg),
    }


def _products(places: Footprints, ids: pa.Array, epsg: int) -> list[dict[str, Any]]:
    """Names of products, numbers of their patches, and nine points of their grids on the plane."""
    # Sorted ids come product by product, so that a count each is enough.
    product, first, counts = np.unique(places.product, return_index=True, return_counts=True)
    order = np.argsort(first)
    tiles = [places.products[number].tile for number in product[order].tolist()]
    zone, west, north = (
        np.array([getattr(tile, name) for tile in tiles]) for name in ("epsg", "west", "north")
    )
    steps = np.array([0, 0.5, 1]) * _SIDE_METRES
    x, y = np.broadcast_arrays(
        west[:, np.newaxis, np.newaxis] + steps,
        north[:, np.newaxis, np.newaxis] - steps[:, np.newaxis],
    )
    # by way of degrees: to find the way from each zone to the plane takes longer than all points
    degrees = project_from_zones(zone, 4326, x, y)
    grids = np.round(project(4326, epsg, degrees[..., 0], degrees[..., 1]), 1)
    names = ids.take(pa.array(first[order])).to_pylist()
    return [
        {"name": name[: -len("_00_00")], "count": count, "grid": grid}
        for name, count, grid in zip(names, counts[order].tolist(), grids.tolist(), strict=True)
    ]


def _countries(centres: NDArray, countries: Categories | None) -> list[tuple[str, int, int]]:
    """Names of countries, each above the middle of its patches."""
    if countries is None:
        return []
    names = []
    for number, name in enumerate(countries.names):
        mine = centres[countries.patch[countries.value == number]]
        names.append((name, round(np.median(mine[:, 0])), round(mine[:, 1].max())))
    return names


def _lines(bounds: tuple[float, float, float, float], epsg: int) -> list[dict[str, Any]]:
    """Meridians and parallels of the bounds and as much again around them, to the metre."""
    west, south, east, north = bounds
    margin = max(east - west, north - south) / 2
    around = (west - margin, south - margin, east + margin, north + margin)
    meridians, parallels = graticule(around, epsg)
    return [
        {"name": name, "points": np.round(line[np.isfinite(line).all(1)]).astype(int).tolist()}
        for name, line in (*meridians.items(), *parallels.items())
    ]
