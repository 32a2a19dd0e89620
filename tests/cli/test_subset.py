"""An archive that is a part of its metadata, meant or not, and one that has nothing of them."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main
from tests.making import PRODUCT, Archive


def ids_of(count):
    return [f"{PRODUCT}_{number // 90:02d}_{number % 90:02d}" for number in range(count)]


@pytest.fixture
def few(tmp_path):
    """Three patches, one without a band, of 1,000 of the metadata; also an inventory of them."""
    archive = Archive(tmp_path / "few")
    for patch in ids_of(3):
        archive.patch(patch, **({"B02": None} if patch.endswith("02") else {}))
    labels = [["Pastures"], ["Arable land"]] * 500
    pq.write_table(
        pa.table({"patch_id": ids_of(1000), "labels": labels}), tmp_path / "metadata.parquet"
    )
    main(["scan", str(archive.root), "--output", str(tmp_path / "i.parquet"), "-q"])
    return tmp_path


def text_of(path):
    text = re.sub("<(script|style).*?</.*?>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text))


SAID = "3 of 1,000 patches are here; if that is on purpose, say --subset"


def test_nearly_nothing_on_disk_is_said_first_and_in_words(few, capsys):
    call = ["audit", f"{few}/i.parquet", "--metadata", f"{few}/metadata.parquet"]
    assert main(call) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [SAID, "3 patches on disk, 1 other findings"]
    assert not any("not_on_disk" in line or "997" in line for line in lines)
    assert main([*call, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["not_on_disk"] == 997
    assert SAID in printed.err


def test_of_a_subset_what_is_not_on_disk_is_counted_and_no_finding(few, capsys):
    call = ["audit", f"{few}/i.parquet", "--metadata", f"{few}/metadata.parquet", "--subset"]
    findings = ["--findings", f"{few}/found.json"]
    assert main([*call, *findings]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("3 patches on disk, 1 findings; 997 of the metadata are not on disk")
    found = json.loads((few / "found.json").read_text())
    assert [row["kind"] for row in found] == ["missing_band"]
    assert main([*call, "--fail-on", "not_on_disk"]) == 0
    capsys.readouterr()
    assert main([*call, "--fail-on", "unreadable", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["patches"], values["missing_band"], values["not_on_disk"]) == (3, 1, 997)


def test_half_of_the_metadata_on_disk_is_told_patch_by_patch(few, capsys):
    pq.write_table(pq.read_table(few / "metadata.parquet").slice(0, 6), few / "six.parquet")
    assert main(["audit", f"{few}/i.parquet", "--metadata", f"{few}/six.parquet"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("3 patches on disk, 4 findings\n")
    assert "not_on_disk" in out


def test_the_page_says_it_first_or_tells_of_the_subset(few):
    call = ["report", f"{few}/i.parquet", "--metadata", f"{few}/metadata.parquet"]
    page = few / "r.html"
    assert main([*call, "--output", str(page), "-q"]) == 0
    assert (
        f"Verdict {SAID}. The archive is not whole; what is there is correct. 3 patches"
        in text_of(page)
    )
    assert "3 patches on disk, 1,000 in the metadata; 2 of those here" in text_of(page)
    assert "997" not in re.sub(r"/\S+", "", text_of(page))  # but in paths
    assert main([*call, "--subset", "--output", str(page), "-q"]) == 0
    text = text_of(page)
    assert "Verdict 1 of 3 patches is not there as a whole." in text
    assert "What is here of the metadata is not whole; what is there is correct." in text
    assert "2 of those here (66.67 %) are without a finding" in text
    assert "Arable land 1 33.3 %" in text
    assert main([*call[:3], f"{few}/metadata.parquet", "--subset", "--output", str(page)]) == 0


def test_the_map_shows_no_finding_for_what_a_subset_lacks(few):
    call = ["map", f"{few}/i.parquet", "--metadata", f"{few}/metadata.parquet"]
    for more, told in (([], True), (["--subset"], False)):
        assert main([*call, *more, "--output", f"{few}/map.html", "-q"]) == 0
        assert ("finding: not on disk" in (few / "map.html").read_text("utf-8")) == told


@pytest.mark.parametrize("subset", [[], ["--subset"]])
@pytest.mark.parametrize("verb", ["audit", "report", "map"])
def test_an_archive_with_none_of_the_patches_is_an_error_that_says_what_lies_there(
    few, capsys, verb, subset
):
    foreign = f"{PRODUCT}_89_89"
    pq.write_table(
        pa.table({"patch_id": [foreign], "labels": [["Pastures"]]}), few / "foreign.parquet"
    )
    for source in ("i.parquet", "few"):
        output = [] if verb == "audit" else ["--output", f"{few}/out.html"]
        call = [verb, f"{few}/{source}", "--metadata", f"{few}/foreign.parquet"]
        assert main([*call, *subset, *output]) == 2
        said = capsys.readouterr().err
        assert f"{few}/{source}: expected patches of the metadata, but none of 1" in said
        assert foreign in said
        assert f"it holds 3 patches, such as {PRODUCT}_00_00, in 1 folders of products" in said
        assert "name the metadata of this archive" in said
    assert not (few / "out.html").exists()


def test_statistics_of_patches_that_are_not_there_are_an_error(few, capsys):
    (few / "list.csv").write_text("patch_id\nelsewhere\n")
    (few / "split.csv").write_text("train,test\nelsewhere,\n")
    for which in (
        ["--patches", f"{few}/list.csv"],
        ["--split", f"{few}/split.csv", "--side", "train"],
    ):
        assert main(["stats", f"{few}/few", *which]) == 2
        said = capsys.readouterr().err
        assert (
            f"{few}/few: expected patches of those named, but none of 1, such as elsewhere," in said
        )
        assert "it holds 3 patches" in said
    assert main(["stats", f"{few}/few", "--split", f"{few}/split.csv", "--side", "test"]) == 2
    assert "expected patches on the side test, but there are none" in capsys.readouterr().err


def test_an_inventory_of_no_patch_has_no_statistics(few, capsys):
    rows = pq.read_table(few / "i.parquet").slice(0, 0)
    pq.write_table(rows, few / "nothing.parquet")
    for call, expected in (
        (["stats"], "expected patches, but there is no patch in it"),
        (["audit", "--metadata", f"{few}/metadata.parquet"], "is there; there is no patch in it"),
    ):
        assert main([call[0], f"{few}/nothing.parquet", *call[1:]]) == 2
        assert expected in capsys.readouterr().err


def test_a_split_of_other_patches_is_an_error_that_names_some_of_both(few, capsys):
    (few / "split.csv").write_text("train,test\nelsewhere,nowhere\n")
    metadata = ["--metadata", f"{few}/metadata.parquet"]
    for call in (
        ["evaluate", f"{few}/split.csv", *metadata],
        ["report", *metadata, "--split", f"{few}/split.csv", "--output", f"{few}/r.html"],
    ):
        assert main(call) == 2
        said = capsys.readouterr().err
        assert "elsewhere is one of 2 patches on its sides, of which the metadata of 1,000" in said
        assert f"such as {PRODUCT}_00_00, hold none: elsewhere of the side train is not" in said


def test_an_archive_of_class_folders_is_told_by_its_folders_and_tiffs(tmp_path, capsys):
    for name in ("AnnualCrop", "Pasture"):
        (tmp_path / "EuroSAT" / name).mkdir(parents=True)
        (tmp_path / "EuroSAT" / name / f"{name}_1.tif").write_bytes(b"II*\0")
    assert main(["stats", str(tmp_path / "EuroSAT")]) == 2
    said = capsys.readouterr().err
    assert "TIFFs lie in AnnualCrop, Pasture, such as AnnualCrop/AnnualCrop_1.tif" in said
    assert "name an archive of a built-in layout" in said


def test_labels_of_maps_of_other_patches_are_not_quietly_the_same(sample, few, capsys):
    call = ["labels", str(sample / "geoparquets"), "--metadata", f"{few}/metadata.parquet"]
    assert main(call) == 2
    said = capsys.readouterr().err
    assert "expected reference maps of patches of the metadata, but none of" in said
    assert "name the metadata of these maps" in said
