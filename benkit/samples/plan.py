"""Which patches a sample holds, and which of them get an error."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benkit.domain.bands import PATCH_METRES
from benkit.domain.patch_names import PATCHES_PER_SIDE, PatchId, parse_patch_id, parse_product
from benkit.ground.projection import transform_between
from benkit.samples.damage import DAMAGES
from benkit.samples.encode_maps import MAP_PIXEL
from benkit.samples.landscape import MARGIN, PixelBlock
from benkit.samples.products import PRODUCTS, SampleProduct

__all__ = ["Plan", "PlannedPatch", "block_of", "make_plan"]

_SIDE = PATCH_METRES // MAP_PIXEL
_PER_THOUSAND = {  # patches that get an error of each kind; at least one does
    "wrong_size": 20,
    "with_no_data": 30,
    "not_part_of_dataset": 10,
    "missing_band": 5,
    "unreadable": 5,
    "wrong_dtype": 4,
    "wrong_georeference": 4,
    "crs_disagreement": 3,
    "stray_file": 5,
    "not_on_disk": 5,
}
_SPLIT_OF_QUADRANT = ("train", "validation", "train", "test")  # around the anchor


@dataclass(frozen=True)
class PlannedPatch:
    """A patch of a sample.

    Attributes
    ----------
    patch_id : str
    product : SampleProduct
    split : str
        train, validation or test: quarters around the anchor.
    error : str or None
        The kind of error that is planted in it.
    variant : int
        Number of the error among those of its kind.
    """

    patch_id: str
    product: SampleProduct
    split: str
    error: str | None = None
    variant: int = 0


@dataclass(frozen=True)
class Plan:
    """What a sample holds.

    Attributes
    ----------
    on_disk, not_on_disk : tuple of PlannedPatch
        Patches with files, and patches that stand in the metadata only; both sorted by patch id.
    """

    on_disk: tuple[PlannedPatch, ...]
    not_on_disk: tuple[PlannedPatch, ...]

    @property
    def part_of_dataset(self) -> list[PlannedPatch]:
        """Patches on disk that stand in the metadata."""
        return [patch for patch in self.on_disk if patch.error != "not_part_of_dataset"]


def make_plan(patches: int, seed: int, keep_whole: str) -> Plan:
    """Choose the patches and their errors.

    Parameters
    ----------
    patches : int
        How many are on disk.
    seed : int
        Decides which patches get an error.
    keep_whole : str
        Patch that never gets one.
    """
    counts = {kind: max(1, round(patches * share / 1000)) for kind, share in _PER_THOUSAND.items()}
    order = _patches_in_order()
    chosen = [
        patch for patch, _ in zip(order, range(patches + counts["not_on_disk"]), strict=False)
    ]
    on_disk, not_on_disk = chosen[:patches], chosen[patches:]
    ranked = sorted(range(patches), key=lambda i: _hash(seed, on_disk[i].patch_id))
    victims = iter(i for i in ranked if on_disk[i].patch_id != keep_whole)
    for kind in DAMAGES:
        for variant in range(counts[kind]):
            index = next(victims)
            on_disk[index] = replace(on_disk[index], error=kind, variant=variant)
    assert any(patch.patch_id == keep_whole for patch in on_disk), "the patch to re-tile is there"
    assert len({patch.patch_id for patch in chosen}) == len(chosen), "each patch is chosen once"
    return Plan(*(tuple(sorted(some, key=lambda p: p.patch_id)) for some in (on_disk, not_on_disk)))


def _hash(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed} {text}".encode()).digest()


def _patches_in_order() -> Iterator[PlannedPatch]:
    """The patch nearest to its anchor of every product, then the next of every product, and so on."""
    by_distance = [_by_distance(product) for product in PRODUCTS]
    for rank in range(PATCHES_PER_SIDE**2):
        for product, places in zip(PRODUCTS, by_distance, strict=True):
            column, row, split = places[rank]
            patch = PatchId(parse_product(product.name), column, row)
            yield PlannedPatch(str(patch), product, split)


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
    return [
        (column, row, _SPLIT_OF_QUADRANT[number])
        for column, row, number in zip(
            column.ravel()[order].tolist(), row.ravel()[order].tolist(), quadrant, strict=True
        )
    ]


def _anchor(product: SampleProduct) -> PatchId:
    tile, place = product.anchor.split("_", 1)
    return parse_patch_id(f"{product.name[: -len(tile)]}{tile}_{place}")


def block_of(patch: PlannedPatch) -> PixelBlock:
    """Where the pixels of a patch lie among those of the anchor's zone."""
    corner = parse_patch_id(patch.patch_id).footprint
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
    first = int(column.min()), int(row.min())
    return PixelBlock(
        *first,
        width=int(column.max()) - first[0] + 1,
        height=int(row.max()) - first[1] + 1,
        gather=np.stack([row - first[1], column - first[0]]),
    )
