"""What is public, and the names of version 0.1."""

import inspect
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import VERBS
from tests.conftest import ROOT
from tests.making import PRODUCT, Archive

OLD = """
    BANDS CLASSES Footprints LandCover locate read_metadata
    audit_inventory band_reader band_statistics classes_of_codes
    compare_labels draw_patch draw_split evaluate_split find_file footprint_table ground_groups
    inspect_patch label_sets land_cover_labels make_sample map_overlaps measure_land_cover
    open_source overlapping_pairs patchify_scene read_patch_list read_pixels
    read_reference_maps read_sides report_page retile_raster scan_archive shortfalls split_folds
    split_patches summarize write_figure write_geoparquet write_page write_sides write_table
""".split()  # noqa: SIM905
"""Public names of version 0.1 that the next one has under another name or as an argument."""


def test_every_verb_has_a_function_of_its_name():
    names = {"map": "web_map"}
    for verb in VERBS.keys() - {"completion"}:
        name = names.get(verb, verb)
        function = getattr(benkit, name)
        assert inspect.isfunction(function)
        assert function.__name__ == name


def test_dir_shows_what_is_public_and_nothing_else():
    assert dir(benkit) == sorted(benkit.__all__)
    assert not set(OLD) & set(dir(benkit))


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_still_works_and_says_what_to_use(name):
    with pytest.warns(
        DeprecationWarning, match=rf"^benkit\.{name} is deprecated .*0\.3\.0; use "
    ) as said:
        value = getattr(benkit, name)
    assert said[0].filename == __file__
    assert value is not None
    new = str(said[0].message).split("; use ")[1].split()[0]
    if new.startswith("benkit."):
        assert new.removeprefix("benkit.") in benkit.__all__


def rows_of_table(title):
    """The rows of the tables of docs/api.md below a heading, each a list of its cells."""
    section = (ROOT / "docs" / "api.md").read_text("utf-8").split(f"\n## {title}\n")[1]
    rows = [line.strip("| ").split(" | ") for line in section.split("\n## ")[0].splitlines()]
    return [row for row in rows if row[0].startswith("`")]


def test_the_documents_say_in_a_line_what_each_public_name_is():
    rows = [
        row for title in ("Verbs", "Reading", "Values", "Errors") for row in rows_of_table(title)
    ]
    assert sorted(name.strip("`") for name, _ in rows) == benkit.__all__


def test_the_documents_list_every_old_name_with_a_new_one():
    rows = rows_of_table("Old names")
    assert sorted(name.strip("`") for name, *_ in rows) == sorted(OLD)
    for name, new, version in rows:
        with pytest.warns(DeprecationWarning, match=version) as said:
            getattr(benkit, name.strip("`"))
        use = str(said[0].message).split("; use ")[1].split()[0].removeprefix("benkit.")
        assert use in new


def test_old_names_of_verbs_are_the_verbs():
    for old, new in {
        "scan_archive": "scan",
        "retile_raster": "retile",
        "make_sample": "sample",
    }.items():
        with pytest.warns(DeprecationWarning, match="use benkit"):
            assert getattr(benkit, old) is getattr(benkit, new)


def test_old_names_are_imported_as_before():
    code = "from benkit import BANDS, scan_archive; print(len(BANDS))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "12\n"


@pytest.mark.filterwarnings("ignore:benkit")
def test_old_names_do_what_they_did_with_paths_as_texts(tmp_path):
    archive = Archive(tmp_path / "archive")
    patches = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01"]
    for patch in patches:
        archive.patch(patch)
    table = pa.table({"patch_id": patches, "labels": [["Pastures"], ["Inland waters"]]})
    pq.write_table(table, tmp_path / "metadata.parquet")
    assert benkit.read_metadata(str(tmp_path / "metadata.parquet")).num_rows == 2
    split = str(tmp_path / "split.csv")
    benkit.write_sides({"train": patches[:1], "test": patches[1:]}, split)
    assert benkit.read_sides(split) == {"train": patches[:1], "test": patches[1:]}
    benkit.write_table(table, str(tmp_path / "table.csv"))
    assert benkit.read_patch_list(str(tmp_path / "table.csv")) == patches
    benkit.scan_archive(str(archive.root), str(tmp_path / "inventory.parquet"))
    inventory = benkit.Inventory(str(tmp_path / "inventory.parquet"))
    assert benkit.audit_inventory(inventory, table).patches == 2
    path = benkit.find_file(str(archive.root), f"{patches[1]}_B02.tif")
    assert benkit.read_raster(str(path)).pixels.shape == (1, 120, 120)
    assert benkit.inspect_patch(patches[0], str(archive.root)).patch_id == patches[0]
    footprints = benkit.footprint_table(table)
    benkit.write_geoparquet(footprints.table, str(tmp_path / "f.parquet"), epsg=4326)
