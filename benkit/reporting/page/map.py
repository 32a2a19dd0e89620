"""The map of a report: all patches in a few bytes each, drawn by the page's own script.

Nothing is loaded from elsewhere. Patches are stored by product, column and row; the script finds their
places from nine points of each product's grid, between which a quadratic surface is exact to metres.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.bands import PATCH_METRES
from benkit.domain.classes import CLASSES
from benkit.domain.patch_names import PATCHES_PER_SIDE
from benkit.domain.seasons import SEASONS
from benkit.ground.distance_plane import centre_degrees, to_plane
from benkit.ground.footprints import Footprints, locate
from benkit.ground.projection import project
from benkit.inventory.findings import KINDS
from benkit.reporting.graticule import graticule
from benkit.reporting.page.markup import data_block, escape, json_block, section
from benkit.reporting.style import MAP_COLOURS
from benkit.splits.evaluate import SIDES

__all__ = ["map_section"]

_SIDES = ("", *SIDES)
_SIDE_METRES = PATCHES_PER_SIDE * PATCH_METRES
_FRAME = """
<noscript><p>The map needs scripts, which this browser does not run.</p></noscript>
<div class="controls scripted">
  <label>Colour by <select id="map-colour">{options}</select></label>
  <span id="map-legend" class="legend" aria-live="polite"></span>
</div>
<div class="map scripted">
  <canvas tabindex="0" role="img" aria-label="Map of all patches. Arrow keys move it, plus and minus
    zoom, Enter tells what lies in the middle."></canvas>
  <div class="zoom">
    <button type="button" aria-label="Zoom in">+</button>
    <button type="button" aria-label="Zoom out">−</button>
    <button type="button" aria-label="Show everything">⤢</button>
  </div>
  <div class="popup" role="status" hidden></div>
</div>
<p class="muted scripted">Projection EPSG:{epsg}.
  <span class="on-screen">Drag or use the arrow keys; zoom with + and −,
  or after a click with the wheel; click, or press Enter, for what lies there.</span></p>
"""


def map_section(
    metadata: pa.Table,
    on_disk: Sequence[str],
    findings: pa.Table | None,
    sides: Mapping[str, Sequence[str]] | None,
) -> str:
    """The map of all patches of the metadata and of those on disk.

    Parameters
    ----------
    metadata : pyarrow.Table
        With ``patch_id``, ``labels`` and, if there is one, ``country``.
    on_disk : sequence of str
        Further patches; each a valid patch id.
    findings : pyarrow.Table, optional
        With ``patch_id`` and ``kind``.
    sides : mapping of str to sequence of str, optional
        Patch ids of each side.
    """
    ids = pc.unique(
        pa.chunked_array([*metadata["patch_id"].chunks, pa.array(on_disk, pa.string())])
    )
    ids = ids.take(pc.sort_indices(ids))
    if not len(ids):
        return ""
    places = locate(ids)
    planes = [places.column, places.row, _side_codes(ids, sides), _season_codes(places)]
    planes += [*_label_bits(ids, metadata), *_finding_bits(ids, findings)]
    facts = _facts(places, ids, metadata)
    facts["kinds"] = [] if findings is None else [kind.title for kind in KINDS.values()]
    modes = [("findings", "findings")] if findings is not None and len(findings) else []
    modes += [("side", "side of the split")] if sides else []
    modes += [("patches", "number of patches"), ("season", "season")]
    modes += [(f"label:{place}", f"label: {name}") for place, name in enumerate(CLASSES)]
    if findings is not None:
        found = set(findings["kind"].unique().to_pylist())
        modes += [
            (f"kind:{place}", f"finding: {kind.title}")
            for place, kind in enumerate(KINDS.values())
            if kind.name in found
        ]
    options = "".join(f'<option value="{value}">{escape(name)}</option>' for value, name in modes)
    return section(
        "map",
        "Map",
        _FRAME.format(options=options, epsg=facts["epsg"]),
        json_block("map-facts", facts),
        data_block("map-data", np.stack(planes).astype(np.uint8).tobytes()),
    )


def _season_codes(places: Footprints) -> NDArray:
    codes = np.array([SEASONS.index(product.season) for product in places.products])
    return codes[places.product]


def _side_codes(ids: pa.Array, sides: Mapping[str, Sequence[str]] | None) -> NDArray:
    codes = np.zeros(len(ids), np.uint8)
    for name, patches in (sides or {}).items():
        place = pc.index_in(pa.array(patches, pa.string()), ids).drop_null().to_numpy()
        codes[place] = _SIDES.index(name)
    return codes


def _label_bits(ids: pa.Array, metadata: pa.Table) -> list[NDArray]:
    lists = metadata["labels"].combine_chunks()
    patches = pc.index_in(metadata["patch_id"].combine_chunks(), ids)
    parents = patches.take(pc.list_parent_indices(lists))
    return _bits(len(ids), parents, pc.list_flatten(lists), CLASSES)


def _finding_bits(ids: pa.Array, findings: pa.Table | None) -> list[NDArray]:
    if findings is None:
        return []
    patches, kinds = findings["patch_id"].combine_chunks(), findings["kind"].combine_chunks()
    return _bits(len(ids), pc.index_in(patches, ids), kinds, tuple(KINDS))


def _bits(
    patches: int, patch: pa.Int32Array, value: pa.StringArray, names: Sequence[str]
) -> list[NDArray]:
    """One bit a name, in planes of eight: set where one of a patch's values is the name."""
    bits = np.zeros((patches, len(names)), bool)
    place = pc.index_in(value, pa.array(names, pa.string()))
    known = pc.and_(place.is_valid(), patch.is_valid())
    bits[patch.filter(known).to_numpy(), place.filter(known).to_numpy()] = True
    return list(np.packbits(bits, axis=1, bitorder="little").T)


def _facts(places: Footprints, ids: pa.Array, metadata: pa.Table) -> dict[str, Any]:
    """What the script needs to know beside the patches themselves."""
    # Sorted ids come product by product, so that a count each is enough.
    first = np.sort(np.unique(places.product, return_index=True)[1])
    counts = np.diff([*first.tolist(), len(places)])
    centres, epsg = to_plane(centre_degrees(places))
    west, south = np.floor(centres.min(0)) - PATCH_METRES
    east, north = np.ceil(centres.max(0)) + PATCH_METRES
    products: list[dict[str, Any]] = []
    for place, count in zip(places.product[first].tolist(), counts.tolist(), strict=True):
        product = places.products[place]
        steps = np.array([0, 0.5, 1]) * _SIDE_METRES
        x, y = np.meshgrid(product.tile.west + steps, product.tile.north - steps)
        grid = project(product.tile.epsg, epsg, x.ravel(), y.ravel())
        products.append(
            {
                "name": ids[int(first[len(products)])].as_py()[: -len("_00_00")],
                "count": count,
                "grid": np.round(grid.reshape(3, 3, 2), 1).tolist(),
            }
        )
    return {
        "patches": len(places),
        "epsg": epsg,
        "bounds": [west, south, east, north],
        "products": products,
        "labels": list(CLASSES),
        "seasons": list(SEASONS),
        "sides": list(_SIDES),
        "colours": MAP_COLOURS,
        "graticule": _lines((west, south, east, north), epsg),
        "countries": _countries(centres, ids, metadata),
    }


def _countries(centres: NDArray, ids: pa.Array, metadata: pa.Table) -> list[tuple[str, int, int]]:
    """Names of countries, each above the midst of its patches."""
    if "country" not in metadata.column_names:
        return []
    encoded = pc.dictionary_encode(metadata["country"].combine_chunks().cast(pa.string()))
    code = pc.fill_null(encoded.indices, -1).to_numpy()
    place = pc.index_in(metadata["patch_id"].combine_chunks(), ids).to_numpy()
    names = []
    for number, name in enumerate(encoded.dictionary.to_pylist()):
        mine = centres[place[code == number]]
        names.append((name, round(np.median(mine[:, 0])), round(mine[:, 1].max())))
    return sorted(names)


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
