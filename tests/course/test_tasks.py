"""The tasks of main.py one by one, in this process: what they refuse, say, remove and print."""

import gzip
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.errors import BenkitError, InputFormatError, RasterError
from benkit.tiff.plain import encode
from tests.conftest import ROOT
from tests.making import EXAMPLE, MAP_PRODUCT, Archive, course_task

PATCHES = [f"{MAP_PRODUCT}_0{number}_00" for number in range(3)]


@pytest.fixture
def task(tmp_path):
    """main.py in a folder of its own, as a module."""
    shutil.copy(ROOT / "main.py", tmp_path)
    return course_task(tmp_path / "main.py")


@pytest.fixture
def archive(task):
    """An archive in the folder of the data, still without patches."""
    task.DATA.mkdir(parents=True)
    (task.DATA / "patches_for_stats.csv.gz").write_bytes(
        gzip.compress("\n".join(["patch_id", *PATCHES]).encode())
    )
    return Archive(task.DATA / task.ARCHIVE)


def sentences(capfd):
    return [line.removeprefix("main.py: ") for line in capfd.readouterr().err.splitlines()]


# --- one task after the other -------------------------------------------------------------------


def test_lines_are_out_before_the_next_task_begins(task, monkeypatch, capfd):
    out = []

    def second(course):
        out.append(capfd.readouterr().out)
        return ["second: 2"]

    monkeypatch.setattr(task, "TASKS", {"first": lambda course: ["first: 1"], "second": second})
    monkeypatch.setattr(task, "write_pages", lambda course: None)
    assert task.do_all(task.Course(task.DATA))
    assert [*out, capfd.readouterr().out] == ["first: 1\n", "second: 2\n"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BenkitError("list.csv: is empty"), "list.csv: is empty"),
        (MemoryError(), "not enough memory (no more to be had); allow more, or try fewer workers"),
        (AssertionError("each patch is there"), "it is not so that each patch is there"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError by zero"),
    ],
)
def test_a_task_that_fails_says_so_in_a_sentence_and_the_others_go_on(
    task, error, said, monkeypatch, capfd
):
    def failing(course):
        raise error

    task.DATA.mkdir(parents=True)
    monkeypatch.setattr(task, "TASKS", {"one": failing, "two": lambda course: ["two: 2"]})
    assert task.main() == 2
    out, err = capfd.readouterr()
    assert out == "two: 2\n"
    first = err.splitlines()[0]
    assert first.startswith("main.py: one: cannot be done: ")
    assert first.endswith(said)


def test_what_is_needed_twice_is_tried_once_also_if_it_fails(task, archive, monkeypatch):
    tried = []

    def scan(*places):
        tried.append(places)
        raise InputFormatError("no archive")

    monkeypatch.setattr("benkit.scan", scan)
    course = task.Course(task.DATA)
    for one in (task.checking, task.statistics):
        with pytest.raises(BenkitError):
            one(course)
    assert len(tried) == 1


# --- what an earlier run has left ---------------------------------------------------------------


def test_what_this_run_cannot_make_again_is_removed_and_named(task, capfd):
    task.DATA.mkdir(parents=True)
    task.PARTS.mkdir()
    stem = task.TO_RETILE.removesuffix(".tif")
    names = ["split.csv", "report.html", "map.html", "split.png", "inventory.parquet"]
    names += [f"re-tiled/{stem}_{letter}.tif" for letter in "ABCD"]
    for name in [*names, "re-tiled/notes.txt", "notes.txt"]:
        (task.OUTPUT / name).write_text("of an earlier run")
    assert task.main() == 2
    last = sentences(capfd)[-1]
    assert last.startswith("removed, as they were made by an earlier run and not by this one: ")
    assert sorted(last.split(": ")[1].split(", ")) == sorted(names)
    left = {path.name for path in task.OUTPUT.rglob("*") if path.is_file()}
    assert left == {"notes.txt"}


# --- re-tiling ----------------------------------------------------------------------------------


def raster_to_retile(task, archive, pixels):
    path = archive.root / EXAMPLE[:-6] / EXAMPLE / task.TO_RETILE
    path.parent.mkdir(parents=True)
    path.write_bytes(encode(pixels, epsg=32635, x=339_600, y=6_065_220, pixel_size=10))
    return path


@pytest.mark.parametrize("shape", [(121, 121), (100, 120), (120, 122), (1, 1)])
def test_a_raster_that_gives_no_four_equal_squares_is_refused(task, archive, shape):
    path = raster_to_retile(task, archive, np.ones(shape, np.uint16))
    with pytest.raises(RasterError) as refused:
        task.retiling(task.Course(task.DATA))
    assert str(refused.value) == (
        f"{path}: expected a square with an even number of pixels a side, to cut it into four equal "
        f"squares, but it has {shape[0]} x {shape[1]} pixels"
    )
    assert not task.PARTS.exists()


@pytest.mark.parametrize("side", [2, 60, 120, 240])
def test_any_square_with_an_even_side_is_cut(task, archive, side):
    pixels = np.arange(side * side, dtype=np.uint16).reshape(side, side)
    raster_to_retile(task, archive, pixels)
    assert task.retiling(task.Course(task.DATA)) == []
    assert len(list(task.PARTS.iterdir())) == 4


def test_a_link_to_the_raster_is_not_followed(task, archive, tmp_path):
    path = raster_to_retile(task, archive, np.ones((120, 120), np.uint16))
    path.rename(tmp_path / "elsewhere.tif")
    path.symlink_to(tmp_path / "elsewhere.tif")
    with pytest.raises(RasterError, match=r"is a link, which is not followed; .*cp -rL"):
        task.retiling(task.Course(task.DATA))


# --- statistics ---------------------------------------------------------------------------------


def test_bands_that_are_not_measured_are_named_by_kind_with_an_example(
    task, archive, tmp_path, capfd
):
    zeros = {"pixels": np.zeros((120, 120), np.uint16), "nodata": None}
    first = archive.patch(PATCHES[0], B02=None, B03=None, B04=zeros)
    archive.patch(PATCHES[1])
    archive.patch(f"{MAP_PRODUCT}_09_09", B02=None)  # is not listed
    (first / f"{PATCHES[0]}_B01.tif").write_bytes(b"II*\0")
    link = first / f"{PATCHES[0]}_B05.tif"
    link.rename(tmp_path / "elsewhere.tif")
    link.symlink_to(tmp_path / "elsewhere.tif")
    (archive.root / MAP_PRODUCT / PATCHES[2]).symlink_to(first)
    lines = task.statistics(task.Course(task.DATA))
    assert lines[:2] == ["B01 mean: 9", "B01 std-dev: 0"]
    assert "B04 mean: 4" in lines, "half of its pixels are 0, and 4.5 goes to the even neighbour"
    assert len(lines) == 24
    assert sentences(capfd) == [
        f"1 patches to be measured are not on disk, {PATCHES[2]} among them",
        f"not followed, since links may lead anywhere: 2 links, such as {PATCHES[0]}_B05.tif; `cp -rL` "
        "copies an archive with what they lead to",
        f"not measured, since unreadable: 1 band, {PATCHES[0]}_B01.tif",
        f"not measured, since missing: 2 bands, such as {PATCHES[0]}_B02.tif",
        f"measured with zeros, since no NO_DATA value is declared: 1 band, {PATCHES[0]}_B04.tif",
    ]


def test_statistics_cannot_be_done_without_a_pixel_of_each_band(task, archive):
    for patch in PATCHES:
        archive.patch(patch, B05=None, B8A={"pixels": np.zeros((60, 60), np.uint16)})
    with pytest.raises(
        InputFormatError, match=r"pixels of every band, but there are none of B05, B8A$"
    ):
        task.statistics(task.Course(task.DATA))


def test_an_archive_of_links_is_not_checked(task, archive, tmp_path):
    folder = archive.patch(PATCHES[0])
    for band in BIGEARTHNET_S2.band_files(PATCHES[0]):
        (folder / band).rename(tmp_path / band)
        (folder / band).symlink_to(tmp_path / band)
    table = pa.table({"patch_id": PATCHES, "labels": [["Pastures"]] * 3})
    pq.write_table(table, task.DATA / "metadata.parquet")
    with pytest.raises(InputFormatError, match="expected bands, but none can be read"):
        task.checking(task.Course(task.DATA))


def test_an_archive_of_links_to_folders_says_how_to_copy_it(task, archive, tmp_path):
    folder = archive.patch(PATCHES[0]).parent
    folder.rename(tmp_path / folder.name)
    folder.symlink_to(tmp_path / folder.name)
    with pytest.raises(InputFormatError, match="cp -rL"):
        task.statistics(task.Course(task.DATA))


# --- averages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("labels", "shown"), [(107, "2.68"), (106, "2.65"), (105, "2.62")])
def test_averages_are_rounded_from_the_exact_fraction(task, labels, shown):
    """Of 40 patches: 2.675, 2.65 and 2.625; a half goes to the even hundredth."""
    task.DATA.mkdir(parents=True)
    ids = [f"{MAP_PRODUCT}_{column:02d}_00" for column in range(40)]
    lists = [[str(i) for i in range(3 if patch < labels - 80 else 2)] for patch in range(40)]
    assert sum(map(len, lists)) == labels
    pq.write_table(pa.table({"patch_id": ids, "labels": lists}), task.DATA / "metadata.parquet")
    assert f"average-num-labels: {shown}" in task.tabular_data(task.Course(task.DATA))
