"""A map for the browser that shows the world's map tiles below the patches.

Made with folium. Up to some thousand patches are drawn one by one, more are joined into cells. Leaflet,
which draws it, is in the page, and so are coastlines and borders: only the map tiles come from a server,
and without a network the page shows all but them.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.files.remote.location import is_location
from benkit.files.tables.table import one_array
from benkit.ground.footprint_table import square_rings
from benkit.ground.footprints import Footprints
from benkit.ground.grid import distinct_cells
from benkit.ground.rectangles import Rectangles
from benkit.inventory.findings import KINDS
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.patch_list import rows_of
from benkit.reporting.outlines import OUTLINES_SOURCE
from benkit.reporting.shipped import shipped_text
from benkit.reporting.style import LAYER_COLOURS, MAP_COLOURS, SIDE_COLOURS
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES

_AT_ONCE = 2**17
_MOST_CELLS, _MOST_FEATURES = 1500, 12_000  # which take some 250 bytes each
_CELL_DEGREES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SHARES = (0.05, 0.25, 0.5, 1.0)  # upper ends of the classes by which a cell's colour deepens
_SCREEN, _SEEN, _THICKEST = 1000, 6, 5  # pixels: of a window, what is seen in it, of an outline
_HEAD = """<head>
<title>Map of patches</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; img-src data: https://tile.openstreetmap.org">
<style>
{leaflet_style}
.leaflet-container {{ background: #f4f5f7; font-family: system-ui, sans-serif; }}
.leaflet-control-attribution {{ font-size: 0.7rem; }}
@media (max-width: 40rem) {{ .leaflet-bottom.leaflet-left {{ bottom: 2.4rem; }} }}
.leaflet-control-layers {{ max-width: 80vw; }}
.leaflet-control-layers-overlays label {{ padding-left: 1.3em; text-indent: -1.3em; }}
.foliumpopup th {{ text-align: left; vertical-align: top; padding-right: 0.6em; }}
.foliumpopup td {{ overflow-wrap: anywhere; }}
</style>
<script>{leaflet}</script>
<script>{own}</script>"""
_RANDOM_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class _Layer:
    """Some of the patches, under a name."""

    name: str
    colour: str
    patches: NDArray[np.intp]
    shown: bool


def web_map_page(
    metadata: Metadata | pa.Table,
    findings: pa.Table | None = None,
    sides: Any = None,
    *,
    most_patches: int = 3000,
) -> str:
    """Make a map with a layer for each side, season, label and kind of finding.

    Parameters
    ----------
    metadata : Metadata or pyarrow.Table
    findings : pyarrow.Table, optional
        With ``patch_id`` and ``kind``; findings of patches that the metadata does not hold are not
        drawn.
    sides : Split, or what it is made of, optional
    most_patches : int
        How many are drawn one by one; more are joined into cells.

    Returns
    -------
    str
        An HTML page, the same for the same input.
    """
    import folium

    metadata = as_metadata(metadata)
    single = len(metadata) <= most_patches
    corners = _corners(metadata.squares) if single else np.empty((0, 4, 2))
    centres, bounds = _centres(metadata.squares)
    layers = [*_layers(metadata, findings, sides)]
    cells = None if single else _Cells.of(centres, layers)
    del centres
    weight = _outline(corners, bounds, cells)
    chart: Any = folium.Map(tiles=None, control_scale=True, prefer_canvas=True)
    chart.default_js = (
        chart.default_css
    ) = []  # libraries on servers, of which only Leaflet is needed
    for layer in layers:
        name = f'<span style="color:{layer.colour}">&#9632;</span> {_shown(layer.name)}'
        group = folium.FeatureGroup(name, show=layer.shown)
        drawn = cells.draw(layer) if cells else _draw_patches(layer, corners, metadata.table)
        for features, opacity in drawn:
            style = {"color": layer.colour, "weight": weight, "fillOpacity": opacity}
            _add(group, features, style)
        group.add_to(chart)
    folium.LayerControl(collapsed=True).add_to(chart)
    if len(metadata):
        (west, south), (east, north) = bounds
        chart.fit_bounds([(south, west), (north, east)])
    return _whole(chart.get_root().render(), chart.get_name())


def _corners(squares: Footprints | Rectangles) -> NDArray[np.float64]:
    """Longitude and latitude of the four corners: (n, 4, 2)."""
    return square_rings(squares, 4326)[:, :4]


def _centres(squares: Footprints | Rectangles) -> tuple[NDArray, NDArray]:
    """Middles of the corners, (n, 2), and the least and greatest of all corners, (2, 2)."""
    centres, bounds = np.empty((len(squares), 2)), np.array([[np.inf] * 2, [-np.inf] * 2])
    for start in range(0, len(squares), _AT_ONCE):
        some = np.arange(start, min(start + _AT_ONCE, len(squares)))
        corners = _corners(squares.take(some))
        centres[some] = corners.mean(1)
        bounds[0] = np.minimum(bounds[0], corners.min((0, 1)))
        bounds[1] = np.maximum(bounds[1], corners.max((0, 1)))
    return centres, bounds


def _layers(
    metadata: Metadata,
    findings: pa.Table | None,
    sides: Any,
) -> Iterator[_Layer]:
    ids, named = metadata.patch_ids, one_array(metadata.table["patch_id"])
    colours = (colour for _ in count() for colour in LAYER_COLOURS)
    given = None if sides is None else Split(sides)
    split = None if given is None else given.aligned(ids, strict=False)
    if given is not None and split is not None:
        if (given.code >= 0).any() and not (split.code >= 0).any():
            named = f"{sides}: " if is_location(sides) else ""
            raise InputFormatError(
                f"{named}expected a split of these patches, but none of them is on a side; name the "
                "metadata that the split was made from"
            )
        for name in split.names:
            rows = np.flatnonzero(split.code == SIDES.index(name))
            if not len(rows):  # folium draws no layer of nothing
                continue
            yield _Layer(f"side: {name}", SIDE_COLOURS[name], rows, shown=True)
    if findings is not None:
        for kind in KINDS.values():
            found = findings["patch_id"].filter(pc.equal(findings["kind"], kind.name))
            rows = np.unique(rows_of(one_array(found), named).drop_null().to_numpy())
            if len(rows):
                yield _Layer(f"finding: {kind.title}", next(colours), rows, shown=split is None)
    shown = split is None and findings is None
    for what, values in (("season", metadata.seasons), ("label", metadata.labels)):
        for name, rows in _members(values):
            is_season = what == "season"
            colour = MAP_COLOURS["seasons"][name] if is_season else next(colours)
            yield _Layer(f"{what}: {name}", colour, rows, shown and is_season)


def _members(values: Categories) -> Iterator[tuple[str, NDArray[np.intp]]]:
    for value, name in enumerate(values.names):
        patches = values.patch[values.value == value]
        if len(patches):
            yield name, patches


Drawn = Iterator[tuple[list[dict[str, Any]], float]]
"""Features of GeoJSON, and their opacity."""


def _draw_patches(layer: _Layer, corners: NDArray, metadata: pa.Table) -> Drawn:
    """A polygon for each patch, with its name and labels."""
    rows = metadata.select(["patch_id", "labels"]).take(pa.array(layer.patches)).to_pylist()
    features = [
        _feature(
            corners[patch],
            {
                "patch": row["patch_id"],
                "labels": ", ".join(dict.fromkeys(row["labels"] or ())) or "none",
            },
        )
        for patch, row in zip(layer.patches.tolist(), rows, strict=True)
    ]
    yield features, 0.5


@dataclass(frozen=True)
class _Cells:
    """Square cells that hold patches: ``size`` and (m, 2) ``south_west`` corners in degrees.

    ``cell`` is the index of each patch's cell, ``total`` the number of patches in each cell.
    """

    size: float
    south_west: NDArray[np.float64]
    cell: NDArray[np.intp]
    total: NDArray[np.intp]

    @classmethod
    def of(cls, centres: NDArray[np.float64], layers: Sequence[_Layer]) -> Self:
        """The smallest cells of which there are at most `_MOST_CELLS`, `_MOST_FEATURES` over layers."""
        for size in _CELL_DEGREES:
            cells, cell = distinct_cells(centres, size)
            if len(cells) <= _MOST_CELLS:
                drawn = sum(np.count_nonzero(np.bincount(cell[one.patches])) for one in layers)
                if drawn <= _MOST_FEATURES:
                    break
        return cls(size, np.multiply(cells, size), cell, np.bincount(cell))

    def draw(self, layer: _Layer) -> Drawn:
        """Polygons of the cells; the larger the share of the layer's patches, the more opaque."""
        mine = np.bincount(self.cell[layer.patches], minlength=len(self.total))
        share = mine / self.total
        square = np.array([(0, 1), (1, 1), (1, 0), (0, 0)]) * self.size
        for low, high in zip((0.0, *_SHARES), _SHARES, strict=False):
            features = [
                _feature(
                    self.south_west[cell] + square,
                    {"layer": layer.name, "patches": f"{mine[cell]:,} of {self.total[cell]:,}"},
                )
                for cell in np.flatnonzero((share > low) & (share <= high)).tolist()
            ]
            if features:
                yield features, 0.15 + 0.6 * high


def _feature(corners: NDArray, properties: Mapping[str, str]) -> dict[str, Any]:
    """A polygon; folium writes the names of its properties into the page's script as they are."""
    assert all(name.isidentifier() for name in properties), "the script can name each property"
    ring = np.round([*corners, corners[0]], 5).tolist()
    return {
        "type": "Feature",
        "properties": {name: _shown(value) for name, value in properties.items()},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _outline(corners: NDArray, bounds: NDArray, cells: _Cells | None) -> int:
    """Line width of outlines in pixels that keeps small features visible in the whole map."""
    if not (len(corners) or cells):
        return 1
    side = cells.size if cells else float(np.ptp(corners[0], axis=0).max())
    extent = float(np.ptp(bounds, axis=0).max())
    return int(np.clip(round(_SEEN - _SCREEN * side / extent), 1, _THICKEST))


def _shown(text: str) -> str:
    """A text as HTML shows it, without the braces that folium would run as a template of its own."""
    return html.escape(text).replace("{", "&#123;")


def _add(group: Any, features: list[dict[str, Any]], style: Mapping[str, Any]) -> None:
    import folium

    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda _, style=style: style,
        popup=folium.GeoJsonPopup(list(features[0]["properties"])),
    ).add_to(group)


def _whole(page: str, chart: str) -> str:
    """The page with Leaflet, outlines and tiles, and numbers in the place of folium's random ids."""
    numbers: dict[str, str] = {}
    page = _RANDOM_NAME.sub(
        lambda found: numbers.setdefault(found[0], f"{len(numbers) + 1:032x}"), page
    )
    chart = _RANDOM_NAME.sub(lambda found: numbers[found[0]], chart)
    head = _HEAD.format(
        leaflet_style=shipped_text("leaflet.css"),
        leaflet=shipped_text("leaflet.js"),
        own=shipped_text("web_map.js"),
    )
    last = (
        f"<script>drawOutlines({chart}, {shipped_text('outlines.json')});\n"
        f"{chart}.attributionControl.addAttribution('{OUTLINES_SOURCE}');\n"
        f"drawTiles({chart});</script>\n</html>"
    )
    return page.replace("<head>", head, 1).replace("</html>", last, 1)
