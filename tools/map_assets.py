"""Make the files for maps that benkit ships, from packages of others.

    npm pack world-atlas@2.0.2 leaflet@1.9.4
    python -m tools.map_assets world-atlas-2.0.2.tgz leaflet-1.9.4.tgz

writes ``outlines.json``, ``leaflet.js`` and ``leaflet.css`` into ``benkit/reporting/assets``, the same
bytes every time. A third argument names another folder.

The outlines are those of Natural Earth, which is in the public domain, as world-atlas has them: those
of 1:50 million around Europe, those of 1:110 million elsewhere. Arcs that one country has are coasts,
those that two have are borders. Each is simplified by itself, so that its ends still meet others.
"""

import base64
import json
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parents[1] / "benkit" / "reporting" / "assets"
EUROPE = (-60.0, 15.0, 85.0, 84.0)  # west, south, east, north of what is drawn in detail
TOLERANCE, STEPS = 0.015, 200  # degrees; steps of a degree that coordinates are rounded to
LEAST = 0.05  # degrees across, of an island
SEAM, POLE = 179.99, -89.9  # where Natural Earth cuts the Earth open, which is no coast
ABOUT = (
    "Coastlines and borders of Natural Earth 4.1 (public domain), 1:50 million around Europe and 1:110 "
    "million elsewhere, from the npm package world-atlas 2.0.2, made by tools/map_assets.py. A line is "
    "longitude and latitude of its first point and the steps from point to point, in parts of a degree."
)


def members(package: Path) -> dict[str, bytes]:
    """The files of a package by name."""
    with tarfile.open(package) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }


def arcs_of(topology: dict[str, Any]) -> list[NDArray[np.float64]]:
    """Longitude and latitude of the points of each arc of a quantised TopoJSON."""
    scale, origin = (np.array(topology["transform"][name]) for name in ("scale", "translate"))
    return [np.cumsum(arc, axis=0) * scale + origin for arc in topology["arcs"]]


def uses(arcs: list[Any]) -> Counter[int]:
    """How often each arc occurs in nested lists of them; a reversed arc is written as ~number."""
    found: Counter[int] = Counter()
    for arc in arcs:
        found.update(uses(arc) if isinstance(arc, list) else [arc if arc >= 0 else ~arc])
    return found


def parts_of(arc: NDArray[np.float64]) -> Iterable[NDArray[np.float64]]:
    """Parts of an arc: cut where it crosses the antimeridian, without what runs along it or the pole."""
    jump = np.flatnonzero(np.abs(np.diff(arc[:, 0])) > 180)
    edges = []
    for place in jump:
        (x, y), (across, up) = arc[place : place + 2]
        side = np.copysign(180, x)
        before, after = abs(side - x), abs(across + side)
        at = y + (up - y) * before / (before + after or 1)
        edges += [(side, at), (-side, at)]
    arc = np.insert(arc, np.repeat(jump + 1, 2), np.reshape(edges, (-1, 2)), axis=0)
    cut = (np.abs(arc[:, 0]) > SEAM) | (arc[:, 1] < POLE)
    for part in np.split(arc, np.flatnonzero(cut[1:] & cut[:-1]) + 1):
        islet = (part[0] == part[-1]).all() and np.ptp(part, axis=0).max() < LEAST
        if len(part) > 1 and not islet:
            yield part


def outlines(topology: dict[str, Any]) -> dict[str, Any]:
    """Coasts and borders, simplified."""
    geometries = topology["objects"]["countries"]["geometries"]
    count = uses([geometry["arcs"] for geometry in geometries if "arcs" in geometry])
    lines: dict[str, list[Any]] = {"coasts": [], "borders": []}
    for number, arc in enumerate(arcs_of(topology)):
        kind = "coasts" if count[number] == 1 else "borders"
        lines[kind] += [shapely.linestrings(part) for part in parts_of(arc)]
    return {
        kind: shapely.line_merge(shapely.multilinestrings(shapely.simplify(some, TOLERANCE)))
        for kind, some in lines.items()
    }


def steps(lines: Iterable[Any]) -> list[list[int]]:
    """First point and steps of each line, in parts of a degree, sorted."""
    found = []
    for line in lines:
        points = np.round(shapely.get_coordinates(line) * STEPS).astype(int)
        moves = np.diff(points, axis=0, prepend=[[0, 0]])
        moves = moves[np.r_[True, (moves[1:] != 0).any(1)]]
        if len(moves) > 1:
            found.append(moves.ravel().tolist())
    return sorted(found)


def outlines_file(package: dict[str, bytes]) -> str:
    """Text of ``outlines.json``."""
    fine, coarse = (outlines(json.loads(package[f"countries-{s}m.json"])) for s in (50, 110))
    window = shapely.box(*EUROPE)
    lines = {
        kind: steps(
            [
                *shapely.get_parts(shapely.intersection(fine[kind], window)),
                *shapely.get_parts(shapely.difference(coarse[kind], window)),
            ]
        )
        for kind in fine
    }
    text = json.dumps({"about": ABOUT, "parts": STEPS, **lines}, separators=(",", ":"))
    return text.replace("],[", "],\n[") + "\n"


def leaflet_files(package: dict[str, bytes]) -> dict[str, str]:
    """Script and style sheet of Leaflet, with its licence and its pictures in them."""
    licence = package["LICENSE"].decode().strip().replace("\n", "\n * ")
    script = re.sub(r"\n//# sourceMappingURL=.*", "", package["dist/leaflet.js"].decode())

    def picture(found: re.Match[str]) -> str:
        content = base64.b64encode(package[f"dist/{found[1]}"]).decode()
        return f"url(data:image/png;base64,{content})"

    style = re.sub(r"url\((images/[\w-]+\.png)\)", picture, package["dist/leaflet.css"].decode())
    version = json.loads(package["package.json"])["version"]
    head = f"/*! Leaflet {version}\n *\n * {licence}\n */\n".replace(" \n", "\n")
    return {"leaflet.js": head + script.rstrip() + "\n", "leaflet.css": style.rstrip() + "\n"}


def main(atlas: str, leaflet: str, folder: str = str(FOLDER)) -> None:
    """Write the three files."""
    files = {"outlines.json": outlines_file(members(Path(atlas)))}
    files |= leaflet_files(members(Path(leaflet)))
    for name, text in files.items():
        Path(folder, name).write_bytes(text.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
