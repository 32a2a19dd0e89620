import base64
import gzip
import json
import re

import numpy as np
import pyarrow as pa
import pytest
from pyproj import Transformer

import benkit
import benkit.metadata.metadata as metadata_module
from benkit.cli import main
from benkit.inventory.findings import KINDS, Kind
from benkit.reporting.page.markup import bar_table, json_block, table
from benkit.reporting.page.report import report_page
from benkit.reporting.web_map import web_map_page


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "sample"
    benkit.sample(folder, patches=60)
    return folder


@pytest.fixture(scope="module")
def page(sample, tmp_path_factory):
    """The page of the sample with everything that it can show."""
    folder = tmp_path_factory.mktemp("page")
    metadata = str(sample / "metadata.parquet")
    archive = str(sample / "BigEarthNet-v2.0-S2-with-errors")
    assert main(["split", metadata, "--output", f"{folder}/split.csv"]) == 0
    call = ["report", archive, "--metadata", metadata, "--split", f"{folder}/split.csv"]
    call += ["--reference-maps", str(sample / "geoparquets"), "--workers", "1", "--no-progress"]
    assert main([*call, "--output", f"{folder}/report.html"]) == 0
    return (folder / "report.html").read_text("utf-8")


def block(page, name):
    content = re.search(
        rf'<script type="application/[^"]*" id="{name}">(.*?)</script>', page, re.S
    )[1]
    return (
        json.loads(content)
        if content.startswith("{")
        else gzip.decompress(base64.b64decode(content))
    )


def test_it_has_every_section_and_loads_nothing(page):
    names = re.findall(r'<section id="([^"]*)">', page)
    expected = [
        "archive",
        "verdict",
        "findings",
        "copies",
        "map",
        "split",
        "contents",
        "bands",
        "looks",
    ]
    assert names == [*expected, "reference-maps", "made"]
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_an_inventory_shows_quick_looks_with_its_archive(sample, tmp_path, capsys):
    archive = str(sample / "BigEarthNet-v2.0-S2-with-errors")
    metadata = ["--metadata", str(sample / "metadata.parquet")]
    inventory = str(tmp_path / "inventory.parquet")
    page = tmp_path / "report.html"
    call = ["report", inventory, *metadata, "--output", str(page), "--no-progress"]
    benkit.scan(archive, inventory)
    assert main(call) == 0
    assert "Only the inventory was at hand, so that this page shows no pixels" in page.read_text(
        "utf-8"
    )
    assert main([*call, "--archive", archive]) == 0
    assert page.read_text("utf-8").count('src="data:image/png') >= 3
    for wrong in (
        [*call, "--archive", inventory],
        [*call[:1], archive, *call[2:], "--archive", archive],
    ):
        assert main(wrong) == 2
        assert "--archive" in capsys.readouterr().err


def test_it_says_what_the_audit_says(page, sample, tmp_path, capsys):
    archive, metadata = sample / "BigEarthNet-v2.0-S2-with-errors", sample / "metadata.parquet"
    benkit.scan(archive, tmp_path / "inventory.parquet")
    inventory = benkit.Inventory(tmp_path / "inventory.parquet")
    audit = benkit.audit(inventory, benkit.Metadata(metadata).table)
    rows = json.loads(block(page, "findings-data"))
    assert [row[3] for row in rows] == audit.findings["reason"].to_pylist()
    assert "neither whole nor correct" in page
    for kind, count in audit.counts.items():
        name = kind.replace("_", " ")
        row = rf'<td>{name}</td><td>[^<]*</td><td class="number">{count}</td>'
        assert bool(re.search(row, page)) == bool(count)
        assert bool(re.search(rf"[:,] {name} {count}[,.]", page)) == bool(count), "in the verdict"
    known = benkit.Metadata(metadata).table["patch_id"].to_pylist()
    sound = len(set(known) - set(audit.findings["patch_id"].to_pylist()))
    assert f"{sound:,} of these ({100 * sound / len(known):.2f} %) are without a finding" in page
    mean = benkit.stats(inventory).bands["B02"].mean
    assert f"{mean:,.2f}" in page


def test_the_map_holds_every_patch_where_it_lies(page, sample):
    metadata = benkit.Metadata(sample / "metadata.parquet").table
    facts, content = block(page, "map-facts"), block(page, "map-data")
    count = facts["patches"]
    planes = [content[start : start + count] for start in range(0, len(content), count)]
    names, patch = [], 0
    for product in facts["products"]:
        for column, row in zip(
            *(plane[patch : patch + product["count"]] for plane in planes[:2]), strict=True
        ):
            names.append(f"{product['name']}_{column:02d}_{row:02d}")
        patch += product["count"]
    assert set(metadata["patch_id"].to_pylist()) <= set(names)
    labels = dict(
        zip(metadata["patch_id"].to_pylist(), metadata["labels"].to_pylist(), strict=True)
    )
    kinds = {name: set() for name in names}
    audit = benkit.audit(sample / "BigEarthNet-v2.0-S2-with-errors", metadata)
    for finding in audit.findings.to_pylist():
        kinds.get(finding["patch_id"], set()).add(finding["kind"].replace("_", " "))
    for place, name in enumerate(names):
        assert named(facts["labels"], planes[4:7], place) == set(labels.get(name, []))
        assert named(facts["kinds"], planes[7:], place) == kinds[name]
        assert planes[2][place] in (1, 3) or name not in labels, "each known patch is on a side"


def named(names, planes, place):
    """The names whose bits are set for a patch."""
    bits = int.from_bytes(bytes(plane[place] for plane in planes), "little")
    return {name for bit, name in enumerate(names) if bits >> bit & 1}


def test_one_entry_makes_a_new_kind_of_finding(sample, monkeypatch):
    """Also where the kinds are more than fit into two bytes a patch."""
    for least in (1, 2, 3000):
        name = f"brighter_than_{least}"
        sql = f"SELECT patch_id, band, 'it shines' AS reason FROM ok WHERE max > {least}"
        kind = Kind(name, "a band is bright", about="band", sql=sql, incomplete=True, visible=True)
        monkeypatch.setitem(KINDS, name, kind)
    archive = sample / "BigEarthNet-v2.0-S2-with-errors"
    page = benkit.report(sample / "metadata.parquet", archive)
    assert "The archive is neither whole nor correct." in page
    for least in (1, 2):
        assert f"<h3>Brighter than {least}</h3>" in page
        assert f"finding: brighter than {least}</option>" in page
    facts, content = block(page, "map-facts"), block(page, "map-data")
    planes = [content[i * facts["patches"] :][: facts["patches"]] for i in range(7, 10)]
    shine = [named(facts["kinds"], planes, place) for place in range(facts["patches"])]
    assert sum("brighter than 2" in kinds for kinds in shine) == 60


def test_the_split_is_judged_by_memory_and_by_how_alike_labels_are(page, sample):
    found = benkit.evaluate(
        benkit.split(sample / "metadata.parquet"),
        sample / "metadata.parquet",
        correlogram=sample / "correlogram.csv",
    )
    for value in (found.test.copy_f1, found.test.constant_f1):
        assert f'<td class="number">{value:.4f}</td>' in page
    classes = found.correlogram.to_dict()["classes"]
    points = re.search('<polyline class="curve" points="([^"]*)"', page)[1].split()
    assert len(points) == len(classes) == page.count("<circle")
    assert found.correlogram.sentence[1:] in page
    across = [float(point.split(",")[0]) for point in points]
    down = [float(point.split(",")[1]) for point in points]
    assert across == sorted(across)
    values = [row["correlation"] for row in classes]
    assert [y for _, y in sorted(zip(values, down, strict=True), reverse=True)] == sorted(down)


def test_metadata_alone_make_a_page(sample):
    page = report_page(benkit.Metadata(sample / "metadata.parquet").table)
    assert "No archive was looked at" in page
    assert '<section id="findings">' not in page


def test_markup_in_names_stays_text():
    evil = "<script>alert(1)</script>"
    ids = ["S2A_MSIL2A_20180228T095031_N9999_R079_T34UEG_74_13"]
    metadata = pa.table({"patch_id": ids, "labels": [[evil]], "country": [evil]})
    for page in (
        report_page(metadata, made={"command": evil}),
        benkit.web_map(metadata),
        table(("a",), [(evil,)], evil),
        bar_table(evil, [(evil, 1)], 1),
        json_block("x", {"y": evil}),
    ):
        assert evil not in page


def test_the_web_map_is_the_same_each_time_and_has_all_layers(sample):
    metadata = benkit.Metadata(sample / "metadata.parquet").table
    sides = {
        "train": metadata["patch_id"].to_pylist()[::2],
        "test": metadata["patch_id"].to_pylist()[1::2],
    }
    page = benkit.web_map(metadata, sides=sides)
    assert page == benkit.web_map(metadata, sides=sides)
    for layer in ("side: train", "side: test", "season: summer", "label: Arable land"):
        assert layer in page
    assert metadata["patch_id"][0].as_py() in page


def test_many_patches_become_cells(shared_data):
    metadata = benkit.Metadata(shared_data / "metadata.parquet").table
    some = metadata.slice(0, 400)
    assert some["patch_id"][0].as_py() in web_map_page(some, most_patches=400)
    page = web_map_page(some, most_patches=399)
    assert some["patch_id"][0].as_py() not in page
    assert " of " in page
    assert len(page) < 2e6


def test_wrong_input_is_told(tmp_path, sample, capsys):
    call = [
        "report",
        "--metadata",
        str(tmp_path / "none.parquet"),
        "--output",
        str(tmp_path / "r.html"),
    ]
    assert main(call) == 2
    assert "none.parquet: expected a file" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_footprints_and_pairs_are_computed_once_for_a_page(sample, monkeypatch):
    metadata = benkit.Metadata(sample / "metadata.parquet")
    calls = []
    for name in ("place_patches", "overlapping_pairs"):
        function = getattr(metadata_module, name)

        def counted(*values, name=name, function=function):
            calls.append(name)
            return function(*values)

        monkeypatch.setattr(metadata_module, name, counted)
    ids = metadata.patch_ids.to_pylist()
    assert "Split sound?" in report_page(metadata, sides={"train": ids[::2], "test": ids[1::2]})
    assert sorted(calls) == ["overlapping_pairs", "place_patches"]


def test_the_map_holds_patches_of_the_whole_earth_where_coordinates_tell():
    random = np.random.default_rng(2)
    longitude, latitude = random.uniform(-179, 179, 50), random.uniform(-80, 80, 50)
    rows = pa.table({
        "patch_id": [f"p<{number}" for number in range(50)],
        "labels": [[("x", "y")[number % 2]] for number in range(50)],
        "lon": longitude, "lat": latitude,
    })  # fmt: skip
    page = benkit.report(rows, split={"train": ["p<0"], "test": ["p<1"]})
    facts, content = block(page, "map-facts"), block(page, "map-data")
    planes = np.frombuffer(bytes(content), np.uint8).reshape(-1, 50)
    assert (facts["epsg"], facts["labels"], facts["products"]) == (6933, ["x", "y"], [])
    assert planes[2].tolist() == [1, 3, *[0] * 48]
    assert planes[4].tolist() == [1, 2] * 25
    places = planes[-8:].T.copy().view("<u4") / 10 + facts["bounds"][:2]
    plane = Transformer.from_crs(4326, 6933, always_xy=True)
    expected = np.stack(plane.transform(longitude, latitude), axis=1)
    np.testing.assert_allclose(places, expected, atol=0.06)
    assert bytes(block(page, "map-names")).decode().split("\n") == rows["patch_id"].to_pylist()


def test_a_map_with_many_layers_of_many_cells_stays_small():
    product = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
    ids = [
        f"{product}_{column:02}_{row:02}" for column in range(0, 90, 3) for row in range(0, 90, 3)
    ]
    labels = [[f"label {number}" for number in range(40)]] * len(ids)
    page = web_map_page(pa.table({"patch_id": ids, "labels": labels}), most_patches=0)
    assert "label: label 39" in page
    assert len(page) < 5e6
