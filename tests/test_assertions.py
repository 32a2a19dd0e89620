"""Spoiled code makes the assertions of its task fail, each with its description."""

import importlib
import inspect
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import shapely

import benkit
from benkit.engine import Engine
from benkit.reference_maps.labels import label_sets
from benkit.reference_maps.map_overlaps import map_overlaps
from benkit.reference_maps.read import read_reference_maps
from benkit.tiff.plain import encode
from tests.assertions import DOCUMENT, ROOT, assertions, written
from tests.making import EXAMPLE, Archive, course_task, write_map

Scenario = Callable[[Path], object]


MAIN = course_task(ROOT / "main.py")


# --- how code is spoiled ------------------------------------------------------------------------


def functions_of(code: CodeType, before: str = "") -> dict[str, CodeType]:
    """The code of the functions of a module and of its classes, by qualified name."""
    found = {}
    for one in code.co_consts:
        if isinstance(one, CodeType) and "<" not in one.co_name:
            name = before + one.co_name
            inside = functions_of(one, f"{name}.")
            found |= inside if "__qualname__" in one.co_names else {name: one}
    return found


def function_named(module, name: str) -> FunctionType:
    for part in name.split("."):
        module = inspect.getattr_static(module, part)
    if isinstance(module, property):
        return module.fget
    return module.func if isinstance(module, cached_property) else module


def spoil(monkeypatch, file: str, line: str, changed: str) -> None:
    """Let functions of a module run as if its text were another."""
    text = (ROOT / file).read_text("utf-8")
    assert text.count(line) == 1, f"{file} has changed: {line}"
    name = file.removesuffix(".py").replace("/", ".")
    module = MAIN if file == "main.py" else importlib.import_module(name)
    old, new = (
        functions_of(compile(source, str(ROOT / file), "exec"))
        for source in (text, text.replace(line, changed))
    )
    (name,) = (name for name in old if old[name] != new[name])
    monkeypatch.setattr(function_named(module, name), "__code__", new[name])


# --- what each task is tried on -----------------------------------------------------------------


def ids_of(columns, rows=(0,), days=("20170808",), tile="35ULA"):
    return [
        f"S2A_MSIL2A_{day}T094029_N9999_R036_T{tile}_{column:02d}_{row:02d}"
        for day in days for column in columns for row in rows
    ]  # fmt: skip


def metadata_of(ids, labels=None, countries=None):
    columns = {"patch_id": ids, "labels": pa.array(labels or [["a"]] * len(ids))}
    return benkit.Metadata(pa.table(columns | ({"country": countries} if countries else {})))


def summarised(labels) -> Scenario:
    days = ("20170531", "20170601", "20171231", "20180101", "20180228")
    return lambda _: benkit.summary(metadata_of(ids_of([0], days=days), labels))


LABELS = summarised([["a", "b"], ["a"], ["c", "a"], ["b"], ["a", "b", "c"]])
REPEATED = summarised([["a"], ["b"], ["a", "a", "b"], ["b"], ["a"]])


def archive_of(folder: Path) -> tuple[Path, list[str]]:
    """Four patches: one of another size, one with NO_DATA, and one of ascending pixels."""
    archive, ids = Archive(folder / "archive"), ids_of([1, 2, 3, 4])
    archive.patch(ids[0], B05={"pixels": np.full((61, 60), 9, np.uint16)})
    archive.patch(ids[1], B02={"pixels": np.arange(14_400, dtype=np.uint16).reshape(120, 120)})
    archive.patch(ids[2])
    archive.patch(ids[3], B03={"pixels": np.full((120, 120), 70, np.uint16)})
    return archive.root, ids


def inventoried(folder: Path):
    root, ids = archive_of(folder)
    benkit.scan(root, folder / "inventory.parquet", engine=Engine(workers=1))
    return benkit.Inventory(folder / "inventory.parquet"), ids


def audited_first_unknown(folder):
    inventory, ids = inventoried(folder)
    return benkit.audit(inventory, metadata_of([*ids[1:], *ids_of([50])]))


def audited_last_unknown(folder):
    inventory, ids = inventoried(folder)
    return benkit.audit(inventory, metadata_of([*ids[:-1], *ids_of([50])]))


def measured(folder):
    inventory, ids = inventoried(folder)
    return benkit.stats(inventory, [*ids[1:], *ids_of([50])])


def raster_of(folder, height, width):
    path = folder / f"{EXAMPLE}_B02.tif"
    pixels = np.arange(height * width, dtype=np.uint16).reshape(height, width)
    path.write_bytes(encode(pixels, epsg=32635, x=339_600, y=6_065_220, pixel_size=10))
    return path


def retiled(height, width, grid=(2, 2)) -> Scenario:
    return lambda folder: benkit.retile(
        raster_of(folder, height, width), folder / "parts", grid=grid, engine=Engine(workers=1)
    )


def retiled_by_main(folder):
    archive = folder / MAIN.ARCHIVE
    archive.mkdir()
    raster_of(archive, 120, 120)
    return MAIN.retiling(MAIN.Course(folder))


def maps_of(folder):
    """Five squares of 1,200 m, two of which overlap and two only touch; one map is empty."""
    classes = [[], [244, 312, 312], [312], [311, 211, 212], [523], [112]]
    for number, codes in enumerate(classes):
        shape = shapely.box(1200 * number, 0, 1200 * number + 1200 + (number == 3), 1200)
        write_map(folder, ids_of([number])[0], codes, [shape] * len(codes))
    return read_reference_maps(folder)


def labelled(folder):
    return label_sets(maps_of(folder))


def overlapping(folder):
    return map_overlaps(maps_of(folder), assume_same_crs=True)


def split_of_pairs(_):
    return benkit.split(metadata_of(ids_of(range(0, 90, 9), days=("20170808", "20180301"))))


def split_of_countries(_):
    ids = ids_of(range(0, 90, 3))
    return benkit.split(metadata_of(ids, countries=list("ABCDE") * 6), group_by="country", test=0.4)


def split_into_folds(_):
    return benkit.folds(metadata_of(ids_of(range(0, 80, 20))), 2)


def split_by_main(folder):
    course = MAIN.Course(folder)
    known = metadata_of(ids_of(range(0, 90, 9)))
    course.metadata = MAIN.Once(lambda: known)
    return course.split()


# --- what is spoiled ----------------------------------------------------------------------------


class Spoiled(NamedTuple):
    """A line of the code, what it is changed to, what is then done, and the assertion that fails."""

    file: str
    line: str
    changed: str
    scenario: Scenario
    description: str


SUMMARY, CATEGORIES = "benkit/metadata/summary.py", "benkit/metadata/categories.py"
AUDIT, STATISTICS = "benkit/inventory/audit.py", "benkit/inventory/statistics.py"
NAMES = "benkit/inventory/told_by_names.py"
RETILE, WINDOW = "benkit/retiling/retile.py", "benkit/retiling/window.py"
MAP_LABELS = "benkit/reference_maps/labels.py"
MAP_OVERLAPS = "benkit/reference_maps/map_overlaps.py"
MAKE = "benkit/splits/make.py"
EDGES = "edges = [i * (length - overlap) // count for i in range(count + 1)]"

SPOILED = [
    Spoiled(
        "benkit/metadata/metadata.py", "Categories(SEASONS, np.arange(len(self)),",
        "Categories(SEASONS, np.arange(len(self)) // 2,", LABELS, "a patch has one season at most",
    ),
    Spoiled(
        "benkit/domain/seasons.py", "(month - 3)", "(month - 2)", LABELS,
        "each season has the patches whose ids name one of its three months",
    ),
    Spoiled(
        CATEGORIES, "to_numpy()[known] *", "to_numpy()[known] // 2 *", LABELS,
        "a patch has at most the labels that it lists, and one at least if it lists any",
    ),
    Spoiled(
        CATEGORIES, "np.divmod(sorted_unique(key)", "np.divmod(np.sort(key)", REPEATED,
        "the maximum is the number of different labels in the list of one patch",
    ),
    Spoiled(
        CATEGORIES, "rank[order] = np.arange(len(order))", "rank[order] = np.arange(len(order))[::-1]",
        LABELS, "where no patch repeats a label, each label has as many patches as lists",
    ),
    Spoiled(
        NAMES, "INTO patches FROM told", "INTO patches FROM told ORDER BY patch_id OFFSET 1",
        audited_first_unknown,
        "not_part_of_dataset counts the patches on disk whose id is not in the metadata",
    ),
    Spoiled(
        NAMES, "INTO patches FROM told", "INTO patches FROM told ORDER BY patch_id OFFSET 1",
        audited_last_unknown,
        "not_on_disk counts the ids of the metadata that no patch on disk has",
    ),
    Spoiled(
        AUDIT, "WHERE status = 'ok'\")", "WHERE band <> 'B02'\")", audited_last_unknown,
        "wrong_size and with_no_data name once each band of another size, or with NO_DATA pixels",
    ),
    Spoiled(
        "benkit/inventory/findings.py", "SELECT patch_id, {band}", "SELECT patch_id[2:], {band}",
        audited_last_unknown,
        "a finding about a band names the band, and one about a patch on disk a patch that is there",
    ),
    Spoiled(
        STATISTICS, "IN (SELECT patch_id FROM wanted)", "IN (SELECT max(patch_id) FROM wanted)",
        measured,
        "each band has the valid pixels of every file of the patches that was read, each file once",
    ),
    Spoiled(
        STATISTICS, "FROM wanted ANTI JOIN", "FROM wanted SEMI JOIN", measured,
        "each patch that was asked for is in the inventory or among the absent, not both",
    ),
    Spoiled(
        STATISTICS, "min(min), max(max)", "NULL, max(max)", measured,
        "valid pixels have a least and a greatest",
    ),
    Spoiled(
        STATISTICS, "mean = first / count", "mean = first / (count - 1)", measured,
        "the mean lies between the least and the greatest pixel",
    ),
    Spoiled(
        STATISTICS, "second / count - mean**2", "second / count - mean", measured,
        "the standard deviation is at most half the range of the pixels",
    ),
    Spoiled(
        RETILE, EDGES, EDGES.replace("i * (length - overlap) // count", "i * (length // count)"),
        retiled(121, 120), "no pixel is lost, and only the overlap is there twice",
    ),
    Spoiled(
        RETILE, EDGES, EDGES.replace("// count for", "// count + 2 * (0 < i < count) for"),
        retiled(120, 120), "parts are equally high but for one pixel",
    ),
    Spoiled(
        RETILE, EDGES, EDGES.replace("// count for", "// count - 1 * (0 < i < count) for"),
        retiled(120, 120, (1, 2)), "parts are equally wide but for one pixel",
    ),
    Spoiled(
        RETILE, "- edges[i]) for i in range(count)]", "- edges[i]) for i in range(count)[::-1]]",
        retiled(120, 120),
        "the first part begins at the first pixel, and the last part ends at the last pixel",
    ),
    Spoiled(
        RETILE, '_{_LETTERS[i]}"', '_{_LETTERS[0]}"', retiled(120, 120),
        "every part has a name of its own",
    ),
    Spoiled(
        WINDOW, "for piece in found]", "for piece in [*found, found[0]]]", retiled(120, 120),
        "every part was cut from one piece of the raster, and written once",
    ),
    Spoiled(
        WINDOW, "raster.corner(self.row, self.column)", "raster.corner(self.column, self.row)",
        retiled(120, 120),
        "parts have the size of their windows, and lie where these lie in the raster",
    ),
    Spoiled(
        "main.py", "grid=(2, 2)", "grid=(1, 4)", retiled_by_main,
        "the four parts are equal squares of half the side",
    ),
    Spoiled(
        "benkit/retiling/plain_part.py", "pixels.read(strip).tobytes()",
        "pixels.read(strip)[:, ::-1].tobytes()", retiled_by_main,
        "the four parts side by side are the pixels of the source",
    ),
    Spoiled(
        WINDOW, "transform = (a, b, x, d, e, y)", "transform = (2 * a, b, x, d, 2 * e, y)",
        retiled_by_main, "each part lies on the quarter of the source's ground that it shows",
    ),
    Spoiled(
        MAP_LABELS, "labelled = classes >= 0", "labelled = classes > 0", labelled,
        "the labels that occur are the classes of the CLC codes that occur",
    ),
    Spoiled(
        MAP_LABELS, "np.bincount(patch, minlength=patches))",
        "np.bincount(patch, minlength=patches)[::-1])", labelled,
        "a patch has as many labels as its polygons have different classes",
    ),
    Spoiled(
        MAP_LABELS, "pa.array(label[enough])", "pa.array(label[enough][::-1])", labelled,
        "patches picked across the maps have the classes of their own polygons' codes",
    ),
    Spoiled(
        MAP_OVERLAPS, "found[found[:, 0] < found[:, 1]]", "found[found[:, 0] <= found[:, 1]]",
        overlapping, "no patch overlaps itself",
    ),
    Spoiled(
        MAP_OVERLAPS, "found[found[:, 0] < found[:, 1]]", "found[found[:, 0] != found[:, 1]]",
        overlapping, "each pair is found once",
    ),
    Spoiled(
        MAP_OVERLAPS, "[pairs[exact], rest[shared]]", "[pairs[exact] - 3, rest[shared]]", overlapping,
        "no empty footprint overlaps another",
    ),
    Spoiled(
        MAP_OVERLAPS, "return found[(width > 0) & (height > 0)]",
        "return found[(width >= 0) & (height > 0)]", overlapping,
        "patches picked across the maps overlap the boxes that comparing all boxes finds",
    ),
    Spoiled(
        MAP_OVERLAPS, "return found[(width > 0) & (height > 0)]", "return found[:-1]", overlapping,
        "patches picked across the maps overlap the boxes that comparing all boxes finds",
    ),
    Spoiled(
        "benkit/splits/split.py", "for name in self.names\n        }",
        "for name in self.names[:1]\n        }", split_of_pairs,
        "the sides, and what the buffer leaves out, are the patches of the metadata, each once",
    ),
    Spoiled(
        MAKE, "code = np.array(asked)[side_of_unit[units.of_patch]]",
        "code = np.array(asked)[side_of_unit[np.sort(units.of_patch)]]",
        split_of_pairs, "no two patches that share ground are on different sides",
    ),
    Spoiled(
        MAKE, "code[out] = -1", "code[0] = 2 - code[0]", split_of_countries,
        "no unit is on two sides",
    ),
    Spoiled(
        MAKE, "asked = [SIDES.index(name) for name, part in parts.items() if part]",
        "asked = [SIDES.index(name) for name, part in parts.items() if part][::-1]", split_of_pairs,
        "without a buffer each side has its part, but for 2 % and the largest unit once a side",
    ),
    Spoiled(
        MAKE, "(fold_of_unit == np.arange(folds)", "(fold_of_unit == np.zeros(folds)",
        split_into_folds, "each patch is on the test side of one fold",
    ),
    Spoiled(
        "benkit/splits/split_file.py", 'zip_longest(*some, fillvalue="")', "zip(*some)",
        split_by_main, "split.csv, read by other code, has the same patches on each side",
    ),
]  # fmt: skip
TASK_OF = {one.description: one.task for one in assertions()}


@pytest.fixture(autouse=True)
def outputs_of_main(monkeypatch, tmp_path):
    monkeypatch.setattr(MAIN, "PARTS", tmp_path / "parts")
    monkeypatch.setattr(MAIN, "SPLIT", tmp_path / "split.csv")


@pytest.mark.parametrize("scenario", dict.fromkeys(one.scenario for one in SPOILED))
def test_nothing_fails_as_long_as_the_code_is_right(scenario, tmp_path):
    assert scenario(tmp_path) is not None


@pytest.mark.parametrize(
    "spoiled", SPOILED, ids=lambda one: f"{TASK_OF[one.description]}: {one.changed}"
)
def test_spoiled_code_fails_the_assertion_of_its_task(spoiled, tmp_path, monkeypatch):
    spoil(monkeypatch, spoiled.file, spoiled.line, spoiled.changed)
    with pytest.raises(AssertionError) as failed:
        spoiled.scenario(tmp_path)
    assert str(failed.value) == spoiled.description


def test_each_assertion_of_the_course_task_is_seen_to_fail():
    assert {one.description for one in SPOILED} == set(TASK_OF)
    assert len(TASK_OF) == len(assertions()), "no two say the same"
    spoiled = Counter(TASK_OF[one.description] for one in SPOILED)
    assert len(spoiled) == 6
    assert min(spoiled.values()) >= 3


def test_the_document_lists_them():
    text = DOCUMENT.read_text("utf-8")
    assert text == written(text), "`python -m tests.assertions` writes the table anew"
