"""What the page tells of labels: the bands of their patches, and how they stand to reference maps."""

import re
import shlex
from collections import defaultdict
from dataclasses import replace
from html import unescape

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.domain.classes import CLC_TO_CLASS
from benkit.metadata.metadata import Metadata
from benkit.reference_maps.small_labels import small_labels
from benkit.reporting.page.bands_by_label import bands_by_label


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels") / "sample"
    benkit.sample(folder, patches=60)
    benkit.scan(folder / "BigEarthNet-v2.0-S2-with-errors", folder / "inventory.parquet")
    return folder


@pytest.fixture(scope="module")
def covered(sample):
    return benkit.labels(sample / "geoparquets")


def cells(table):
    rows = re.findall("<tr>(.*?)</tr>", table)
    return [
        [unescape(re.sub("<.*?>", "", c)) for c in re.findall("<t[dh].*?</t[dh]>", r)] for r in rows
    ]


def test_bands_by_label_are_means_and_deviations_of_the_patches_means(sample):
    metadata = Metadata(sample / "metadata.parquet")
    labels = dict(
        zip(*(metadata.table[name].to_pylist() for name in ("patch_id", "labels")), strict=True)
    )
    values = defaultdict(list)
    for row in pq.read_table(sample / "inventory.parquet").to_pylist():
        if row["status"] == "ok" and row["valid"] and row["patch_id"] in labels:
            for label in [*labels[row["patch_id"]], "all of these patches"]:
                values[label, row["band"]].append(int(row["sum"]) / row["valid"])
    inventory = benkit.Inventory(sample / "inventory.parquet")
    page = bands_by_label(inventory, metadata.patch_ids, metadata.labels)
    head, *rows = cells(page)
    assert head[1:] == list(inventory.layout.band_names)
    assert {row[0] for row in rows} == {label for label, _ in values}
    for label, *numbers in rows:
        for band, shown in zip(head[1:], numbers, strict=True):
            mean, std = (float(text.replace(",", "")) for text in shown.split(" ± "))
            off = 0.51 if mean >= 100 else 1e-4
            assert mean == pytest.approx(np.mean(values[label, band]), abs=off)
            assert std == pytest.approx(np.std(values[label, band]), abs=off)
    assert page.count("<svg") == len(rows) - 1 == len(metadata.labels.names)


def test_labels_on_less_than_a_hundredth_of_the_ground_are_counted_by_area(covered):
    expected = defaultdict(list)
    for row in covered.table.to_pylist():
        area = defaultdict(float)
        for code, metres in zip(row["codes"], row["areas"], strict=True):
            area[CLC_TO_CLASS[code]] += metres
        ground = max(sum(row["areas"]), 1200**2)
        for label in row["labels"]:
            if area[label] / ground < 0.01:
                expected[label].append((area[label] / ground, row["patch_id"]))
    found = small_labels(covered).to_pylist()
    assert {row["label"]: row["patches"] for row in found} == {
        label: len(rows) for label, rows in expected.items()
    }
    assert expected
    for row in found:
        share, patch = min(expected[row["label"]])
        assert row["share"] == pytest.approx(share)
        assert row["patch_id"] == patch


def test_labels_that_only_one_of_map_and_metadata_has_come_with_a_patch_and_commands(
    sample, covered, tmp_path, monkeypatch, capsys
):
    """Two patches lose Pastures, one gets a label that its map does not have."""
    rows = pq.read_table(sample / "metadata.parquet").to_pylist()
    with_map = set(covered.table["patch_id"].to_pylist())
    having = [row for row in rows if "Pastures" in row["labels"] and row["patch_id"] in with_map]
    for row in having[:2]:
        row["labels"] = [name for name in row["labels"] if name != "Pastures"]
    having[0]["labels"].append("Agro-forestry areas")
    changed = tmp_path / "m.parquet"
    pq.write_table(pa.Table.from_pylist(rows), changed)
    maps = sample / "geoparquets"
    page = benkit.report(str(changed), reference_maps=str(maps))
    page = page[page.index('<section id="reference-maps">') :]
    first = min(row["patch_id"] for row in having[:2])
    told = {row[0]: row[1:] for row in cells(page[: page.index("Patches whose labels differ")])}
    assert told["Pastures"] == ["0", "2", first]
    assert told["Agro-forestry areas"] == ["1", "0", having[0]["patch_id"]]
    texts = re.sub("</?span>", "", page)
    lines = [shlex.split(unescape(line)) for line in re.findall("<code>(benkit .*?)</code>", texts)]
    assert lines[0][:3] == ["benkit", "inspect", first]
    monkeypatch.chdir(tmp_path)
    for line in lines:
        if line[1] == "labels":
            assert main([*line[1:], "--quiet"]) == 0
    assert len(pq.read_table("labels.parquet")) == len(with_map)
    assert pyarrow.csv.read_csv("differences.csv").num_rows == 2


def test_labels_without_areas_say_so(sample, covered):
    plain = replace(covered, table=covered.table.select(["patch_id", "labels"]))
    assert small_labels(plain) is None
    page = benkit.report(sample / "metadata.parquet", reference_maps=plain)
    assert "these labels came without areas" in page
    command = re.sub("</?span>", "", page)
    assert "benkit labels REFERENCE_MAPS --min-share 0.01" in command
