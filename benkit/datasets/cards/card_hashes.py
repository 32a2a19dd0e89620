"""Hashes by which data are known again, whatever their order, encoding, engine and machine.

Each is the SHA-256 of lines in UTF-8 that end with a line feed. They are sorted by patch id, then by
what follows it, byte by byte: where no id holds a space, as `LC_ALL=C sort` does.
"""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES

HASHED_LINES = {
    "pixels": "<patch id> <band> <pixel_hash of the inventory as 16 hexadecimal digits, or of a "
    "band that was not read its status: missing or unreadable>",
    "labels": "<patch id> <label>, each label of a patch once; for a patch without, no <label>",
    "split": "<patch id> <side>, for each patch on a side",
}
"""What a line of each hash says."""

_PATCHES_AT_ONCE = 100_000
_LINES_AT_ONCE = 2**20
_PIXELS = """
SELECT product, concat(patch_id, ' ', band, ' ', state, chr(10)) AS line
FROM (SELECT product, patch_id, band,
             if(status = 'ok', format('{:016x}', pixel_hash), status) AS state
      FROM inventory SEMI JOIN wanted USING (patch_id) WHERE band IS NOT NULL)
ORDER BY patch_id, band, state, product
"""
_PRODUCTS = """
SELECT product, count(DISTINCT patch_id) FROM inventory WHERE band IS NOT NULL
GROUP BY product ORDER BY product
"""


def pixel_hashes(inventory: Inventory) -> dict[str, Any]:
    """Hash of the pixels of all bands, and of those of each product, for JSON.

    Raises
    ------
    InputFormatError
        If the inventory lacks ``pixel_hash``, as those of version 1 do.
    """
    inventory.require_pixel_hashes()
    ids = patches_of(inventory)
    patches = dict(inventory.query(_PRODUCTS))
    total, parts = hashlib.sha256(), {product: hashlib.sha256() for product in patches}
    bands = 0
    for start in range(0, len(ids), _PATCHES_AT_ONCE):
        wanted = pa.table({"patch_id": ids.slice(start, _PATCHES_AT_ONCE)})
        for batch in inventory.query_table(_PIXELS, wanted=wanted).to_batches():
            lines, product = batch["line"].cast(pa.string()), batch["product"].dictionary_encode()
            bands += len(lines)
            total.update(_bytes_of(lines))
            code = product.indices.to_numpy()
            starts = np.flatnonzero(np.append(True, code[1:] != code[:-1])).tolist()
            for first, end in zip(starts, [*starts[1:], len(lines)], strict=True):
                name = product.dictionary[code[first]].as_py()
                parts[name].update(_bytes_of(lines.slice(first, end - first)))
    return {
        "sha256": total.hexdigest(),
        "patches": len(ids),
        "bands": bands,
        "products": {
            name: {"patches": patches[name], "sha256": part.hexdigest()}
            for name, part in parts.items()
        },
    }


def patches_of(inventory: Inventory) -> pa.StringArray:
    """The ids of all patches of an inventory, each once, sorted."""
    sql = "SELECT DISTINCT patch_id FROM inventory WHERE band IS NOT NULL ORDER BY patch_id"
    return inventory.query_table(sql)["patch_id"].combine_chunks().cast(pa.string())


def label_hash(metadata: Metadata) -> str:
    """Hash of the labels of all patches of some metadata."""
    labels, rows = metadata.labels, np.arange(len(metadata))
    without = np.setdiff1d(rows, labels.patch)
    patch = pa.array(np.concatenate([labels.patch, without]))
    names = pa.array([*labels.names, ""], pa.string())
    value = np.concatenate([labels.value, np.full(len(without), len(labels.names))])
    return _hash_of(metadata.patch_ids.take(patch), names.take(pa.array(value)))


def split_hash(split: Split) -> str:
    """Hash of the sides of all patches that are on one."""
    table = split.table.filter(pa.array(split.code >= 0)).combine_chunks()
    return _hash_of(*(table[name].combine_chunks() for name in ("patch_id", "split")))


def side_sizes(split: Split) -> dict[str, int]:
    """Number of patches on each side of a split."""
    return {name: int((split.code == SIDES.index(name)).sum()) for name in split.names}


def _hash_of(ids: pa.Array, texts: pa.Array) -> str:
    """Hash of lines of two texts."""
    keys = [("id", "ascending"), ("text", "ascending")]
    table = pa.table({"id": ids, "text": texts}).sort_by(keys)
    total = hashlib.sha256()
    for batch in table.to_batches(max_chunksize=_LINES_AT_ONCE):
        lines = pc.binary_join_element_wise(batch["id"], batch["text"], " ")
        total.update(_bytes_of(pc.binary_join_element_wise(lines, "", "\n")))
    return total.hexdigest()


def _bytes_of(texts: pa.StringArray) -> memoryview:
    """The bytes of texts, one behind the other."""
    _, offsets, content = texts.buffers()
    if not len(texts) or content is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)
    return memoryview(content)[ends[texts.offset] : ends[texts.offset + len(texts)]]
