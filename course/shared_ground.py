"""Which patches of the official metadata share ground, and why."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES
from benkit.ground.distance_plane import planar_centres
from benkit.ground.footprints import Footprints
from benkit.ground.overlaps import ground_groups, overlapping_pairs


def overlap_facts(metadata: pa.Table, places: Footprints) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers for JSON, and arrays for the figures."""
    pairs = overlapping_pairs(places)
    first, second = pairs[:, 0], pairs[:, 1]
    tile = np.array([product.tile.name for product in places.products])[places.product]
    day = np.array([str(p.sensing_start)[:10] for p in places.products])[places.product]
    zone = places.epsg % 100
    reasons = {
        "dates": tile[first] == tile[second],
        "tiles": (tile[first] != tile[second]) & (zone[first] == zone[second]),
        "zones": zone[first] != zone[second],
    }
    groups = ground_groups(places, pairs)
    sizes = np.bincount(groups)
    ids = metadata["patch_id"]
    numbers: dict[str, Any] = {
        "pairs": len(pairs),
        "overlapping": len(np.unique(pairs)),
        "same_square": int(
            (
                reasons["dates"]
                & (places.column[first] == places.column[second])
                & (places.row[first] == places.row[second])
            ).sum()
        ),
        "same_product": int((places.product[first] == places.product[second]).sum()),
        "same_day_tiles": int(((day[first] == day[second]) & ~reasons["dates"]).sum()),
        "groups": len(sizes),
        "alone": int((sizes == 1).sum()),
        "largest_group": int(sizes.max()),
        "zone_countries": sorted(
            pc.unique(metadata["country"].take(np.unique(pairs[reasons["zones"]]))).to_pylist()
        ),
        "tiles": len(np.unique(tile)),
        "products": len(places.products),
        "tile_pairs": len(
            {tuple(sorted(two)) for two in zip(tile[first], tile[second], strict=True)}
            - {(one, one) for one in np.unique(tile).tolist()}
        ),
        "reasons": {},
    }
    kind = np.zeros(len(places), np.int64)  # 0 alone, then the reason that is met most rarely
    for number, (name, mask) in enumerate(reasons.items(), 1):
        members = np.unique(pairs[mask])
        kind[members] = number
        one, other = _example(places, pairs[mask], name)
        numbers["reasons"][name] = {
            "pairs": int(mask.sum()),
            "patches": len(members),
            "example": [ids[one].as_py(), ids[other].as_py()],
            "shared": _shared_area(places, one, other) / PATCH_METRES**2,
        }
    return numbers, {
        "places": places,
        "centres": planar_centres(places),
        "kind": kind,
        "country": np.array(metadata["country"].to_pylist()),
        "ids": {name: place for place, name in enumerate(ids.to_pylist())},
    }


def _example(places: Footprints, pairs: NDArray[np.int64], reason: str) -> tuple[int, int]:
    """The first pair of one square; else the pair whose shared part is nearest to a half."""
    if reason == "dates":
        return int(pairs[0, 0]), int(pairs[0, 1])
    if reason == "tiles":
        first, second = pairs[:, 0], pairs[:, 1]
        width = PATCH_METRES - np.abs(places.x[first] - places.x[second])
        height = PATCH_METRES - np.abs(places.y[first] - places.y[second])
        shared = width * height
    else:
        shared = np.array([_shared_area(places, *pair) for pair in pairs.tolist()])
    best = int(np.abs(shared / PATCH_METRES**2 - 0.5).argmin())
    return int(pairs[best, 0]), int(pairs[best, 1])


def outline(places: Footprints, patch: int, epsg: int) -> NDArray[np.float64]:
    """The edge of a patch in some UTM zone: (41, 2), metres."""
    from pyproj import Transformer

    steps = np.linspace(0, PATCH_METRES, 11)[:-1]
    low, high = np.zeros(10), np.full(10, PATCH_METRES)
    right = np.concatenate([steps, high, high - steps, low, [0]])
    down = np.concatenate([low, steps, high, high - steps, [0]])
    x, y = places.x[patch] + right, places.y[patch] - down
    own = int(places.epsg[patch])
    if own != epsg:
        x, y = Transformer.from_crs(own, epsg, always_xy=True).transform(x, y)
    return np.stack([x, y], 1)


def _shared_area(places: Footprints, one: int, other: int) -> float:
    """Square metres that two patches share, in the UTM zone of the first."""
    import shapely

    epsg = int(places.epsg[one])
    return (
        shapely.Polygon(outline(places, one, epsg))
        .intersection(shapely.Polygon(outline(places, other, epsg)))
        .area
    )
