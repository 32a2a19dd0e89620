"""What the page says of patches with equal pixels."""

import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit

QUESTION = re.compile(
    r'<div class="(\w+)"><dt>Free of copies\? <b>(.*?)</b></dt><dd>(.*?)</dd>', re.DOTALL
)


@pytest.fixture(scope="module")
def scanned(real_archive, tmp_path_factory):
    """Inventories of the real patches, and of these with a copy of one; the patch and its copy."""
    folder = tmp_path_factory.mktemp("copies")
    shutil.copytree(real_archive, folder / "twice")
    patch = min((folder / "twice").glob("*/*"))
    copy = patch.with_name(f"{patch.parent.name}_00_00")
    copy.mkdir()
    for file in patch.iterdir():
        shutil.copy(file, copy / file.name.replace(patch.name, copy.name))
    for name, archive in {"once": real_archive, "twice": folder / "twice"}.items():
        benkit.scan(archive, folder / f"{name}.parquet")
    return folder / "once.parquet", folder / "twice.parquet", patch.name, copy.name


def page_of(inventory, sides=None):
    ids = pq.read_table(inventory)["patch_id"].unique().to_pylist()
    return benkit.report(
        pa.table({"patch_id": ids, "labels": [["Pastures"]] * len(ids)}), inventory, split=sides
    )


def test_real_patches_are_free_of_copies(scanned):
    page = page_of(scanned[0])
    assert QUESTION.search(page).groups() == (
        "good", "Yes", "No two patches have equal pixels in any band.",
    )  # fmt: skip


def test_copies_are_named_and_are_bad_where_a_split_parts_them(scanned):
    _, inventory, patch, copy = scanned
    said = "2 patches in 1 group have equal pixels in all bands."
    page = page_of(inventory)
    assert QUESTION.search(page).groups() == ("near", "No", said)
    section = page[page.index('<section id="copies">') :].partition("</section>")[0]
    assert patch in section
    assert copy in section
    page = page_of(inventory, {"train": [patch], "test": [copy]})
    more = " 1 of the groups is on several sides."
    assert QUESTION.search(page).groups() == ("bad", "No", said + more)
    page = page_of(inventory, {"train": [patch, copy], "test": []})
    more = " 0 of the groups are on several sides."
    assert QUESTION.search(page).groups() == ("near", "No", said + more)


def test_an_inventory_without_fingerprints_leaves_the_question_open(scanned, tmp_path):
    table = pq.read_table(scanned[0]).drop_columns("pixel_hash")
    pq.write_table(table, tmp_path / "old.parquet")
    page = page_of(tmp_path / "old.parquet")
    assert not QUESTION.search(page)
    assert "it lacks pixel_hash, which a new scan adds" in page
