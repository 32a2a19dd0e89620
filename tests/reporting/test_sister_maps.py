"""Maps of a Sentinel-1 archive, whose patches the metadata name in a column beside the patch ids."""

import base64
import gzip
import json
import re

import pytest

import benkit


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Archive, metadata, a split by patch ids, and the findings."""
    folder = tmp_path_factory.mktemp("sister") / "sample"
    benkit.sample(folder, patches=60, s1=True)
    metadata = benkit.Metadata(folder / "metadata.parquet")
    inventory = folder / "inventory.parquet"
    benkit.scan(folder / "BigEarthNet-v2.0-S1-with-errors", inventory)
    ids = metadata.table["patch_id"].to_pylist()
    split = {"train": ids[::2], "test": ids[1::2]}
    found = benkit.audit(inventory, metadata).findings.to_pylist()
    return inventory, metadata, split, {row["patch_id"]: row["kind"] for row in found}


def block(page, name):
    return re.search(rf'<script[^>]* id="{name}">(.*?)</script>', page)[1]


def unpacked(page, name):
    return gzip.decompress(base64.b64decode(block(page, name)))


def test_the_map_of_the_report_marks_findings_at_the_names_of_the_archive(made):
    inventory, metadata, split, found = made
    unknown = set(found) - set(metadata.table["s1_name"].to_pylist())
    assert unknown, "patches that the metadata do not hold, whose names are no patch ids"
    page = benkit.report(metadata, inventory, split=split)
    names = unpacked(page, "map-names").decode().split("\n")
    rows = zip(*(metadata.table[one].to_pylist() for one in ("s1_name", "patch_id")), strict=True)
    assert names == [sister or patch for sister, patch in rows], "without a sister, as they are"
    facts, data = json.loads(block(page, "map-facts")), unpacked(page, "map-data")
    planes = [data[at : at + len(names)] for at in range(0, len(data), len(names))]
    first = 4 + -(-len(facts["labels"]) // 8)
    bits = planes[first : first + -(-len(facts["kinds"]) // 8)]
    marked = {name for place, name in enumerate(names) if any(plane[place] for plane in bits)}
    assert marked == set(found) - unknown
    assert list(planes[2]) == [1 if row % 2 == 0 else 3 for row in range(len(names))]
    season = [("spring", "summer", "fall", "winter").index(one) for one in _seasons(metadata)]
    assert list(planes[3]) == season


def _seasons(metadata):
    return [
        ("winter", "spring", "summer", "fall")[int(text.split("_")[2][4:6]) % 12 // 3]
        for text in metadata.table["patch_id"].to_pylist()
    ]


def test_the_map_for_the_browser_has_the_findings_and_the_sides(made):
    inventory, metadata, split, found = made
    page = benkit.web_map(metadata, source=inventory, sides=split)
    assert "finding: not on disk" in page
    assert "side: test" in page
    (absent, *_) = (name for name, kind in found.items() if kind == "not_on_disk")
    assert absent in page
