"""Inventories and metadata of archives of any size, made of the official patch ids alone.

    PYTHONPATH=. .venv/bin/python benchmarks/made_archives.py FOLDER [--archives 1] [--later]

Of one archive, 549,488 patches and 6.6 million rows, or a share of it, or of up to ten archives.
Each further one is moved by a multiple of six UTM zones, after which tiles have the same columns and
rows, so that all stay valid. Rows have the columns that a scan writes, with pixels that are made up, and
about 1 % are findings, of all kinds that these names can have: no values are out of range, no offsets
mixed. The same archives give the same files.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benkit.domain.layouts import BANDS, BIGEARTHNET_S2
from benkit.domain.patch_names import parse_product
from benkit.inventory.table.inventory_writer import writing_inventory
from benkit.inventory.table.schema import INVENTORY_SCHEMA

OFFICIAL = [
    Path(__file__).resolve().parents[2] / "shared" / "data" / f"{name}.parquet"
    for name in ("metadata", "metadata_for_patches_with_snow_cloud_or_shadow")
]
PATCHES = 549_488
MOST_ARCHIVES = 10
_ZONES, _ZONES_APART = 60, 6
_ZONE_AT = {"patch_id": 39, "s1_name": 33}  # characters before it
_POSITION = len("_00_00")
_FOUND = 0.01  # of rows
_RARE = 0.001  # of patches, of each kind about patches
_OF_ROWS = (
    "wrong_size",
    "with_no_data",
    "missing",
    "unreadable",
    "wrong_dtype",
    "wrong_nodata",
    "elsewhere",
    "other_zone",
)


def official_metadata(archives: float = 1) -> pa.Table:
    """The official metadata of all patches in the order of a scan; of a share, evenly drawn ones."""
    table = pa.concat_tables([pq.read_table(path) for path in OFFICIAL])
    product = pc.utf8_slice_codeunits(table["patch_id"], 0, -_POSITION)
    order = pc.sort_indices(
        pa.table([product, table["patch_id"]], ["product", "patch_id"]),
        [("product", "ascending"), ("patch_id", "ascending")],
    )
    count = round(min(archives, 1) * len(table))
    return table.take(order.take(pa.array(np.arange(count) * len(table) // max(count, 1))))


def moved(table: pa.Table, copy: int) -> pa.Table:
    """The same patches, and their Sentinel-1 patches, in UTM zones further east."""
    for name, at in _ZONE_AT.items():
        if copy and name in table.column_names:
            texts = table[name]
            zones = pc.utf8_slice_codeunits(texts, at, at + 2).cast(pa.int32()).to_numpy()
            zones = (zones - 1 + _ZONES_APART * copy) % _ZONES + 1
            parts = [pc.utf8_slice_codeunits(texts, 0, at), _two_digits(zones)]
            parts.append(pc.utf8_slice_codeunits(texts, at + 2))
            joined = pc.binary_join_element_wise(*parts, "")
            table = table.set_column(table.column_names.index(name), name, joined)
    return table


def write_metadata(path: Path, archives: float) -> None:
    """Metadata of so many archives, but for a thousandth, which are then not part of the data set."""
    official = official_metadata(archives)
    keep = pa.array(_random("metadata").random(len(official)) >= _RARE)
    with pq.ParquetWriter(path, official.schema, compression="zstd") as file:
        for copy in range(_copies(archives)):
            file.write_table(moved(official, copy).filter(keep))


def write_inventory(path: Path, archives: float, *, later: bool = False, found: bool = True) -> int:
    """An inventory of so many archives, in the order of a scan; returns how many rows it has.

    A ``later`` one differs in a hundredth of the patches. Without ``found`` there are no findings.
    """
    official = official_metadata(archives).select(["patch_id"])
    with writing_inventory(path, BIGEARTHNET_S2) as writer:
        for name, ids in sorted(_products(official, _copies(archives))):
            random = _random(name)
            writer.write(_rows_of(name, ids, random, found=found, later=later))
        return writer.rows


def _copies(archives: float) -> int:
    if (archives > 1 and archives % 1) or not 0 < archives <= MOST_ARCHIVES:
        raise ValueError(f"expected a share of an archive or 1 to {MOST_ARCHIVES}: {archives}")
    return max(1, int(archives))


def _products(official: pa.Table, copies: int) -> Iterator[tuple[str, pa.Array]]:
    """The products of all copies, and the ids of the first copy's patches."""
    ids = official["patch_id"].combine_chunks()
    names = pc.utf8_slice_codeunits(ids, 0, -_POSITION).dictionary_encode()
    starts = np.append(0, np.cumsum(np.bincount(names.indices.to_numpy())))
    for copy in range(copies):
        of_copy = moved(pa.table({"patch_id": names.dictionary}), copy)["patch_id"]
        for name, start, end in zip(of_copy.to_pylist(), starts, starts[1:], strict=False):
            yield name, ids.slice(start, end - start)


def _rows_of(
    product: str, ids: pa.Array, random: np.random.Generator, *, found: bool, later: bool
) -> pa.Table:
    """The rows of the patches of one product."""
    bands = list(BANDS.values())
    count, tile = len(ids), parse_product(product).tile
    position = pc.utf8_slice_codeunits(ids, -_POSITION)
    column, row = (
        pc.utf8_slice_codeunits(position, at, at + 2).cast(pa.int64()).to_numpy() for at in (1, 4)
    )
    side = np.tile([band.width for band in bands], count)
    pixels = side.astype(np.int64) ** 2
    least = random.integers(1, 1000, len(side))
    spread = 2 * random.integers(10, 1000, len(side))
    total = pixels * (least + spread // 2)
    of_patch = np.repeat(np.arange(count), len(bands))
    size = np.array([band.pixel_size for band in bands], float)
    # bands of one size have one header
    headers = random.integers(0, 2**63, (count, 61), np.uint64)[:, size.astype(int)]
    values: dict[str, NDArray] = {
        "bytes": 2 * pixels + np.where(side == 120, 396, 372),
        "width": side,
        "height": side,
        "nodata": np.zeros(len(side)),
        "valid": pixels,
        "nodata_count": np.zeros(len(side), np.int64),
        "sum": total,
        "sum_sq": pixels * (least + spread // 2) ** 2 + pixels * spread**2 // 16,
        "min": least.astype(float),
        "max": (least + spread).astype(float),
        "epsg": np.full(len(side), tile.epsg),
        "x": (tile.west + 1200.0 * column)[of_patch],
        "y": (tile.north - 1200.0 * row)[of_patch],
        "pixel_size": np.tile(size, count),
        "offset": np.where(side == 120, 396, 372),
        "header_hash": headers.ravel(),
        "pixel_hash": _pixel_hashes(count, len(bands), random),
    }
    fault = random.random(len(side))
    kinds = (fault / _FOUND * len(_OF_ROWS)).astype(int)
    wrong = {name: (kinds == index) & found for index, name in enumerate(_OF_ROWS)}
    texts = _texts(product, ids, position, of_patch, random, wrong, found=found)
    table = _table(values, texts, wrong)
    if found:
        table = _with_others(table, product, random)
    return _later(table, _random(f"later {product}")) if later else table


def _pixel_hashes(count: int, bands: int, random: np.random.Generator) -> NDArray[np.uint64]:
    """One band in a thousand has the pixels of the patch before, and so has one patch."""
    hashes = random.integers(0, 2**63, (count, bands), np.uint64)
    same = (random.random((count, bands)) < _RARE) | (random.random((count, 1)) < _RARE)
    same[0] = False
    before = np.roll(hashes, 1, axis=0)
    return np.where(same, before, hashes).ravel()


def _texts(
    product: str,
    ids: pa.Array,
    position: pa.Array,
    of_patch: NDArray,
    random: np.random.Generator,
    wrong: dict[str, NDArray],
    *,
    found: bool,
) -> dict[str, pa.Array]:
    """The columns of texts: some patches are no patches, or lie with another product."""
    invalid, misplaced = ((random.random(len(ids)) < _RARE) & found for _ in range(2))
    ends = pc.if_else(pa.array(invalid), "_copy", "")
    names = pc.binary_join_element_wise(product, position, ends, "")
    folders = pc.if_else(pa.array(misplaced), product.replace("_N9999_", "_N0500_"), product)
    status = np.where(wrong["missing"], 1, np.where(wrong["unreadable"], 2, 0))
    bands = np.tile(np.arange(len(BANDS)), len(ids))
    details = pa.array(np.where(wrong["unreadable"], 0, 1))
    return {
        "patch_id": names.take(pa.array(of_patch)),
        "product": folders.take(pa.array(of_patch)),
        "band": pa.array(list(BANDS)).take(pa.array(bands)),
        "status": pa.array(["ok", "missing", "unreadable"]).take(pa.array(status)),
        "detail": pa.array(["cannot be read as a GeoTIFF: it is cut off", None]).take(details),
        "dtype": pa.array(["uint16", "float32"]).take(pa.array(wrong["wrong_dtype"].astype(int))),
    }


def _table(
    values: dict[str, NDArray], texts: dict[str, pa.Array], wrong: dict[str, NDArray]
) -> pa.Table:
    """The columns with what is wrong in some rows; what was not read has none."""
    values["width"] = np.where(wrong["wrong_size"], 2 * values["width"], values["width"])
    empty = wrong["with_no_data"]
    values["nodata_count"] = np.where(empty, 3, 0)
    values["nodata"] = np.where(wrong["wrong_nodata"], -9999.0, values["nodata"])
    values["x"] = values["x"] + 10.0 * wrong["elsewhere"]
    values["epsg"] = values["epsg"] + wrong["other_zone"]
    unread = wrong["missing"] | wrong["unreadable"]
    columns = []
    for field in INVENTORY_SCHEMA:
        if field.name in ("patch_id", "product", "band", "status", "detail"):
            columns.append(texts[field.name])
        elif field.name == "dtype":
            columns.append(pc.if_else(pa.array(unread), None, texts["dtype"]))
        elif field.name == "sum_sq":
            columns.append(_decimals(values["sum_sq"], unread))
        elif field.name in values or field.name in ("pixel_width", "pixel_height"):
            found = values.get(field.name, values["pixel_size"])
            gone = wrong["missing"] if field.name == "bytes" else unread
            columns.append(pa.array(found, field.type, mask=gone))
        else:
            columns.append(pa.nulls(len(unread), field.type))
    return pa.table(columns, schema=INVENTORY_SCHEMA)


def _decimals(numbers: NDArray[np.int64], gone: NDArray[np.bool_]) -> pa.Array:
    """Numbers that are not negative, as the 128 bits of decimals."""
    halves = np.stack([numbers, np.zeros_like(numbers)], axis=1)
    there = pa.array(~gone).buffers()[1]
    kind = INVENTORY_SCHEMA.field("sum_sq").type
    return pa.Array.from_buffers(kind, len(numbers), [there, pa.py_buffer(halves)])


def _with_others(table: pa.Table, product: str, random: np.random.Generator) -> pa.Table:
    """The rows without some patches, and with files and folders that belong to none."""
    gone = np.repeat(random.random(len(table) // len(BANDS)) < _RARE, len(BANDS))
    first = table["patch_id"][0].as_py()
    others = [
        {
            "patch_id": first,
            "product": product,
            "status": "stray",
            "detail": f"{product}/{first}/x.tif",
        },
        {"product": product, "status": "not_scanned", "detail": f"{product}/.hidden: hidden"},
    ]
    more = pa.Table.from_pylist(others, schema=INVENTORY_SCHEMA)
    return pa.concat_tables([table.filter(pa.array(~gone)), more])


def _later(table: pa.Table, random: np.random.Generator) -> pa.Table:
    """The same archive some time after: patches were lost, pixels are others."""
    number = pc.rank(table["patch_id"], tiebreaker="dense").to_numpy()
    kept = random.random(len(table) + 1)[number] >= _RARE
    changed = random.random(len(table)) < _RARE
    hashes = pc.if_else(pa.array(changed), pa.scalar(1, pa.uint64()), table["pixel_hash"])
    hashes = pc.if_else(table["pixel_hash"].is_valid(), hashes, pa.scalar(None, pa.uint64()))
    at = table.schema.get_field_index("pixel_hash")
    return table.set_column(at, table.schema.field(at), hashes).filter(pa.array(kept))


def _two_digits(numbers: NDArray[np.integer]) -> pa.Array:
    return pa.array([f"{number:02d}" for number in range(_ZONES + 1)]).take(pa.array(numbers))


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(list(name.encode()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--archives", type=float, default=1)
    parser.add_argument("--later", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    write_metadata(options.folder / "metadata.parquet", options.archives)
    name = "later.parquet" if options.later else "inventory.parquet"
    rows = write_inventory(options.folder / name, options.archives, later=options.later)
    print(f"{rows:,} rows in {options.folder / name}")


if __name__ == "__main__":
    main()
