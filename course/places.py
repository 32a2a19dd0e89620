"""Where parts and patches lie: a re-tiled patch, and footprints beside published ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import benkit
from benkit.domain.patch_names import PATCH_METRES
from benkit.ground.footprints import locate
from course.inputs import PATCH, SHARED


def band_of(patch: str, band: str) -> Path:
    """A band of a patch of the real archive."""
    folder = SHARED / "BigEarthNet-S2" / patch.rsplit("_", 2)[0] / patch
    return folder / f"{patch}_{band}.tif"


def retile_facts(work: Path) -> dict[str, Any]:
    """Cut a real patch, read the parts back, and see what the equation says of wrong ones."""
    import rasterio

    source = band_of(PATCH, "B02")
    parts = benkit.retile(source, work / "re-tiled", grid=(2, 2), overwrite=True)
    with rasterio.open(source) as whole:
        transform, height, width = whole.transform, whole.height, whole.width
        epsg = whole.crs.to_epsg()
    found = {}
    for letter, file in zip("ABCD", parts.files, strict=True):
        row, column = (height // 2) * (letter in "CD"), (width // 2) * (letter in "BD")
        with rasterio.open(file) as part:
            right = part.transform
            corners = [(0, 0), (part.width, 0), (0, part.height), (part.width, part.height)]
            most = _residual(right, transform, row, column, corners)
            assert most == 0, "the equation holds"
            found[letter] = {
                "x": right.c,
                "y": right.f,
                "row": row,
                "column": column,
                "residual": most,
                "residual_unmoved": _residual(transform, transform, row, column, corners),
            }
    return {
        "patch": PATCH,
        "epsg": epsg,
        "x": transform.c,
        "y": transform.f,
        "pixel": transform.a,
        "side": width,
        "parts": found,
    }


def _residual(
    part: Any, source: Any, row: int, column: int, corners: list[tuple[int, int]]
) -> float:
    """Largest distance in metres between where a part puts its corners and where they belong."""
    apart = []
    for c, r in corners:
        here, there = _place(part, c, r), _place(source, c + column, r + row)
        apart.append(float(np.hypot(here[0] - there[0], here[1] - there[1])))
    return max(apart)


def _place(transform: Any, column: int, row: int) -> tuple[float, float]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * column + b * row + c, d * column + e * row + f


def footprint_facts(metadata: pa.Table) -> dict[str, Any]:
    """Corners computed from names against the geometries that were published for version 1."""
    import shapely

    ids = dict(
        zip(metadata["s2v1_name"].to_pylist(), metadata["patch_id"].to_pylist(), strict=True)
    )
    compared, exact, files = 0, 0, 0
    for file in sorted((SHARED / "v1-footprints").glob("*.parquet")):
        table = pq.read_table(file, columns=["patch_name", "geom"])
        names = table["patch_name"].to_pylist()
        shapes = shapely.from_wkb(np.array(table["geom"].to_pylist(), object))
        known = [place for place, name in enumerate(names) if name in ids]
        places = locate([ids[names[place]] for place in known])
        bounds = shapely.bounds(shapes[known])
        ours_ = np.stack([places.x, places.y - PATCH_METRES, places.x + PATCH_METRES, places.y], 1)
        compared, exact = compared + len(known), exact + int((bounds == ours_).all(1).sum())
        files += 1
    odd = sum(1 for _ in (SHARED / "odd-tiffs").iterdir())
    return {"compared": compared, "exact": exact, "files": files, "odd_tiffs": odd}
