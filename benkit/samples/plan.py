"""The patches of a sample, and the errors planted in them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np

from benkit.domain.patch_names import (
    PATCH_METRES,
    PATCHES_PER_SIDE,
    PatchId,
    parse_patch_id,
    parse_product,
)
from benkit.ground.projection import transform_between
from benkit.inventory.findings import KINDS
from benkit.samples.encode import MAP_PIXEL
from benkit.samples.landscape import MARGIN, PixelBlock
from benkit.samples.products import PRODUCTS, SampleProduct

_SIDE = PATCH_METRES // MAP_PIXEL
ERRORS_PER_THOUSAND = {kind.name: kind.planted for kind in KINDS.values() if kind.planted}
"""Patches that get an error of each kind; at least one does."""

_SPLIT_OF_QUADRANT = ("train", "validation", "train", "test")  # around the anchor


@dataclass(frozen=True)
class PlannedPatch:
    """A patch of a sample.

    Attributes
    ----------
    split : str
        train, validation or test: quarters around the anchor.
    error : str or None
        The kind of error planted in it, of `ERRORS_PER_THOUSAND`.
    variant : int
        Number of the error among those of its kind.
    """

    parsed: PatchId
    product: SampleProduct
    split: str
    error: str | None = None
    variant: int = 0

    @cached_property
    def patch_id(self) -> str:
        """The patch id."""
        return str(self.parsed)


def make_plan(patches: int, seed: int, keep_whole: str) -> list[PlannedPatch]:
    """Choose so many patches on disk, some more that are not, and their errors; sorted by patch id.

    The seed decides which patches get an error; the one to keep whole never does.
    """
    counts = {
        kind: max(1, round(patches * share / 1000)) for kind, share in ERRORS_PER_THOUSAND.items()
    }
    missing = counts.pop("not_on_disk")
    chosen = list(islice(patches_in_order(), patches + missing))
    ranked = sorted(range(patches), key=lambda i: seeded_hash(seed, chosen[i].patch_id))
    victims = iter(i for i in ranked if chosen[i].patch_id != keep_whole)
    errors = [(next(victims), kind, variant) for kind in counts for variant in range(counts[kind])]
    errors += [(patches + variant, "not_on_disk", variant) for variant in range(missing)]
    for index, kind, variant in errors:
        chosen[index] = replace(chosen[index], error=kind, variant=variant)
    whole = [patch.patch_id for patch in chosen if patch.error is None]
    assert keep_whole in whole, "the patch to re-tile is there"
    assert len({patch.patch_id for patch in chosen}) == len(chosen), "each patch is chosen once"
    return sorted(chosen, key=lambda patch: patch.patch_id)


def seeded_hash(seed: int, text: str) -> bytes:
    """What puts texts into an order that the seed decides."""
    return hashlib.sha256(f"{seed} {text}".encode()).digest()


def patches_in_order() -> Iterator[PlannedPatch]:
    """The patch nearest to its anchor of every product, then the next of every product, and so on."""
    by_distance = [_by_distance(product) for product in PRODUCTS]
    for rank in range(PATCHES_PER_SIDE**2):
        for product, positions in zip(PRODUCTS, by_distance, strict=True):
            column, row, split = positions[rank]
            yield PlannedPatch(PatchId(parse_product(product.name), column, row), product, split)


def _by_distance(product: SampleProduct) -> list[tuple[int, int, str]]:
    """Column, row and split of a product's patches, nearest to the anchor first."""
    corner, tile = _anchor(product).footprint, parse_product(product.name).tile
    x, y = corner.x + PATCH_METRES // 2, corner.y - PATCH_METRES // 2
    if tile.epsg != corner.epsg:
        to_tile = transform_between(corner.epsg, tile.epsg)
        x, y = (round(float(value)) for value in to_tile(np.array(x), np.array(y)))
    column, row = np.meshgrid(np.arange(PATCHES_PER_SIDE), np.arange(PATCHES_PER_SIDE))
    east = tile.west + PATCH_METRES * column + PATCH_METRES // 2 - x
    north = tile.north - PATCH_METRES * row - PATCH_METRES // 2 - y
    order = np.argsort((east**2 + north**2).ravel(), kind="stable")
    quadrant = (2 * (north >= 0) + (east >= 0)).ravel()[order]
    splits = [_SPLIT_OF_QUADRANT[number] for number in quadrant]
    return [*zip(column.ravel()[order].tolist(), row.ravel()[order].tolist(), splits, strict=True)]


def _anchor(product: SampleProduct) -> PatchId:
    tile, position = product.anchor.split("_", 1)
    return parse_patch_id(f"{product.name[: -len(tile)]}{tile}_{position}")


def pixel_block(patch: PlannedPatch) -> PixelBlock:
    """Where the pixels of a patch lie among those of the anchor's zone."""
    corner = patch.parsed.footprint
    zone = _anchor(patch.product).footprint.epsg
    size = _SIDE + 2 * MARGIN
    if zone == corner.epsg:
        return PixelBlock(
            corner.x // MAP_PIXEL - MARGIN, -corner.y // MAP_PIXEL - MARGIN, size, size
        )
    # Over a patch the projection is bilinear to a millimetre: its corners are enough.
    reach = PATCH_METRES + MARGIN * MAP_PIXEL
    x = np.array([-MARGIN * MAP_PIXEL, reach])[np.newaxis, :] + corner.x
    y = corner.y - np.array([-MARGIN * MAP_PIXEL, reach])[:, np.newaxis]
    east, north = transform_between(corner.epsg, zone)(*np.broadcast_arrays(x, y))
    share = (np.arange(size) + 0.5) / size
    weights = np.stack([1 - share, share])
    column, row = (
        np.floor(weights.T @ values @ weights / MAP_PIXEL).astype(np.int64)
        for values in (east, -north)
    )
    west, top = int(column.min()), int(row.min())
    width, height = int(column.max()) - west + 1, int(row.max()) - top + 1
    return PixelBlock(west, top, width, height, np.stack([row - top, column - west]))
