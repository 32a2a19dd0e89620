"""Patches of processing baselines whose digital numbers differ by 1,000 are not mixed without a word."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from tests.making import PRODUCT, write_patch

FIRST, SECOND = "10_10", "10_30"


def patch(baseline, place):
    return f"{PRODUCT.replace('N9999', baseline)}_{place}"


def scanned(tmp_path, *patches):
    for name in patches:
        write_patch(tmp_path / "archive", name)
    benkit.scan(tmp_path / "archive", tmp_path / "i.parquet")
    labels = [["Pastures"]] * len(patches)
    pq.write_table(pa.table({"patch_id": [*patches], "labels": labels}), tmp_path / "m.parquet")
    return tmp_path / "i.parquet"


@pytest.mark.parametrize(
    ("baselines", "mixed"),
    [
        (("N0214", "N0500"), True),
        (("N0399", "N0400"), True),
        (("N0206", "N0301"), False),
        (("N0400", "N0511"), False),
        (("N9999", "N0500"), False),
        (("N9999", "N0214"), False),
        (("N9999", "N9999"), False),
    ],
)
def test_baselines_before_and_since_the_offset_are_told(tmp_path, baselines, mixed):
    names = [patch(*one) for one in zip(baselines, (FIRST, SECOND), strict=True)]
    inventory = scanned(tmp_path, *names)
    before, since = baselines
    for found in (benkit.stats(inventory), benkit.audit(inventory, tmp_path / "m.parquet")):
        assert len(found.warnings) == mixed
        for warning in found.warnings:
            assert f"{before} of 1 patch without, {since} of 1 patch with the offset" in warning


def test_the_folder_of_a_product_tells_where_a_patch_does_not(tmp_path):
    for baseline, name in (("N0214", "a"), ("N0510", "b")):
        place = patch(baseline, FIRST)
        folder = write_patch(tmp_path / "archive", place)
        for file in list(folder.iterdir()):
            file.rename(folder / file.name.replace(place, name))
        folder.rename(folder.with_name(name))
    benkit.scan(tmp_path / "archive", tmp_path / "i.parquet")
    assert "N0214 of 1 patch without" in benkit.stats(tmp_path / "i.parquet").warnings[0]


def test_only_patches_that_are_measured_count(tmp_path):
    old, new = patch("N0214", FIRST), patch("N0500", SECOND)
    inventory = scanned(tmp_path, old, new)
    assert benkit.stats(inventory, [old]).warnings == ()
    assert (
        benkit.stats(inventory, split={"train": [old], "test": [new]}, side="test").warnings == ()
    )
    assert len(benkit.stats(inventory, [old, new]).warnings) == 1


def test_verbs_say_so_and_their_results_stay(tmp_path, capsys):
    old, new = patch("N0214", FIRST), patch("N0500", SECOND)
    inventory = str(scanned(tmp_path, old, new))
    metadata = ["--metadata", str(tmp_path / "m.parquet")]
    for call in (["stats", inventory], ["audit", inventory, *metadata, "--fail-on", "none"]):
        assert main([*call, "--json"]) == 0
        printed = capsys.readouterr()
        assert "warning: processing baselines are mixed: N0214 of 1 patch without" in printed.err
        assert "N0" not in printed.out
        assert json.loads(printed.out).keys().isdisjoint({"warnings"})
    page = benkit.report(tmp_path / "m.parquet", inventory)
    assert "Warning: processing baselines are mixed" in page
