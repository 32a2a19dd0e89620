"""main.py from outside: real data in, and every printed digit against slow independent code."""

import csv
import functools
import gzip
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet as pq
import pyproj
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from tests.conftest import ROOT
from tests.course import oracle
from tests.course.assemble import AUSTRIAN, RETILED, assemble, band_path
from tests.course.ground import ground_of

SHARED = ROOT.parent / "shared" / "data"

SPLIT = Path("untracked-files", "split.csv")
PARTS = Path("untracked-files", "re-tiled")
DATA = Path("untracked-files", "milestone01")
PAGES = ("report.html", "map.html", "split.png")

Run = subprocess.CompletedProcess[bytes]


@dataclass(frozen=True)
class Course:
    """The assembled data set, the number of errors planted in it, and the right answers."""

    folder: Path
    planted: dict[str, int]
    lines: list[str]


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    if not SHARED.is_dir():
        reason = "needs the real data in ../shared/data, which is not part of the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("course")
    planted = assemble(folder, SHARED)
    return Course(folder, planted, oracle.expected_lines(folder))


@pytest.fixture(scope="session")
def finished(course: Course, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A project folder in which main.py has run once, and that run."""
    project = make_project(tmp_path_factory.mktemp("finished"), course.folder)
    return project, run_main(project)


def make_project(folder: Path, data: Path | None) -> Path:
    """A folder with main.py, its library and, beside them, a course data set of its own."""
    project = folder / "project"
    project.mkdir()
    shutil.copy2(ROOT / "main.py", project)
    shutil.copytree(ROOT / "benkit", project / "benkit")
    if data is not None:
        shutil.copytree(data, project / DATA)
    return project


def run_main(project: Path) -> Run:
    """Run main.py as a user does, from a working directory that is not its own."""
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, project / "main.py"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert list(elsewhere.iterdir()) == [], "nothing is written to the working directory"
    return run


def as_printed(lines: list[str]) -> bytes:
    return "".join(line + os.linesep for line in lines).encode()


# --- the data and the oracle themselves ---------------------------------------------------------


def test_the_oracle_finds_what_was_planted(course: Course) -> None:
    for kind in ["wrong_size", "with_no_data", "not_part_of_dataset"]:
        assert f"{kind.replace('_', '-')}: {course.planted[kind]}" in course.lines
    assert all(course.planted.values()), "errors of every kind are planted"
    pixels = oracle.read_archive(course.folder / oracle.ARCHIVE)
    assert len(pixels) == 73
    read = sum(len(bands) for bands in pixels.values())
    lost = course.planted["missing_band"] + course.planted["unreadable"]
    assert read == 12 * len(pixels) - lost


def test_no_answer_depends_on_how_a_half_is_rounded(course: Course) -> None:
    metadata = pandas.read_parquet(course.folder / "metadata.parquet")
    shapes = oracle.read_geoparquets(course.folder / "geoparquets")
    for average in [oracle.average_labels(metadata), oracle.average_classes(shapes)]:
        assert (average * 200) % 2 != 1


def test_maps_and_labels_agree(course: Course) -> None:
    metadata = pandas.read_parquet(course.folder / "metadata.parquet")
    labels = dict(zip(metadata["patch_id"], metadata["labels"], strict=True))
    shapes = oracle.read_geoparquets(course.folder / "geoparquets")
    both = [patch_id for patch_id in shapes if patch_id in labels]
    assert len(both) > 30
    for patch_id in both:
        classes = {oracle.class_of(code) for code, _ in shapes[patch_id]} - {None}
        assert classes == set(labels[patch_id]), patch_id


def test_own_arithmetic_puts_real_patches_where_they_are(course: Course) -> None:
    paths = list((SHARED / "BigEarthNet-S2").glob("*/*/*_B02.tif"))
    assert len(paths) == 9
    for path in paths:
        ground = ground_of(path.parent.name)
        with rasterio.open(path) as raster:
            assert tuple(raster.bounds) == ground.bounds
            assert raster.crs.to_epsg() == 32600 + ground.zone


# --- the answers --------------------------------------------------------------------------------


def test_prints_exactly_the_answers(course: Course, finished: tuple[Path, Run]) -> None:
    _, run = finished
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.decode().splitlines() == course.lines
    assert run.stdout == as_printed(course.lines)
    assert b"Traceback" not in run.stderr


def test_writes_only_below_untracked_files(course: Course, finished: tuple[Path, Run]) -> None:
    project, _ = finished
    assert {path.name for path in project.iterdir()} == {"main.py", "benkit", "untracked-files"}
    before = {path.relative_to(course.folder) for path in course.folder.rglob("*")}
    after = {path.relative_to(project / DATA) for path in (project / DATA).rglob("*")}
    assert after == before, "the course data stay as they are"
    for path in before:
        if (course.folder / path).is_file():
            assert (course.folder / path).read_bytes() == (project / DATA / path).read_bytes()


def test_the_report_and_the_maps_lie_beside_the_answers(finished: tuple[Path, Run]) -> None:
    project, run = finished
    folder = project / "untracked-files"
    said = run.stderr.decode().splitlines()[-1]
    for name in PAGES:
        assert name in said
    report = (folder / "report.html").read_text("utf-8")
    assert "neither whole nor correct" in report
    assert '<section id="reference-maps">' in report
    assert "finding: wrong size" in (folder / "map.html").read_text("utf-8")
    assert (folder / "split.png").read_bytes().startswith(b"\x89PNG")


def test_a_report_that_fails_costs_no_answer(finished: tuple[Path, Run], tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    report = project / "untracked-files" / "report.html"
    report.unlink()
    report.mkdir()
    run = run_main(project)
    assert (run.returncode, run.stdout) == (0, finished[1].stdout)
    assert run.stderr.decode().splitlines()[-1].startswith("main.py: the answers are whole, but")
    assert "report.html" in run.stderr.decode()
    assert (project / "untracked-files" / "map.html").is_file()


def test_a_second_run_gives_the_same_bytes(finished: tuple[Path, Run]) -> None:
    project, first = finished
    names = [SPLIT, *(PARTS / path.name for path in (project / PARTS).iterdir())]
    names += [Path("untracked-files", name) for name in ("map.html", "split.png")]
    before = [(project / name).read_bytes() for name in names]
    again = run_main(project)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert [(project / name).read_bytes() for name in names] == before


def test_answers_follow_the_data(
    course: Course, finished: tuple[Path, Run], tmp_path: Path
) -> None:
    """Whatever an earlier run left behind must not answer for data that has changed since."""
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    data = project / DATA
    path = band_path(data / oracle.ARCHIVE, AUSTRIAN[13], "B04")
    size = path.stat().st_size
    with rasterio.open(path, "r+") as raster:
        pixels = raster.read(1)
        pixels[:60] = 0
        pixels[60:] = 9000
        raster.write(pixels, 1)
    assert path.stat().st_size == size, "only the pixels differ"
    shutil.rmtree(path.parents[1] / AUSTRIAN[15])
    metadata = pq.read_table(data / "metadata.parquet")
    pq.write_table(metadata.slice(41), data / "metadata.parquet")
    sorted((data / "geoparquets").iterdir())[0].unlink()

    lines = oracle.expected_lines(data)
    changed = {
        new.split(":")[0] for new, old in zip(lines, course.lines, strict=True) if new != old
    }
    assert {"with-no-data", "B04 mean", "average-num-labels", "geom-average-num-labels"} <= changed
    run = run_main(project)
    assert run.stdout.decode().splitlines() == lines
    assert run.returncode == 0


def test_patch_ids_and_labels_are_all_it_needs_of_the_metadata(
    course: Course, finished: tuple[Path, Run], tmp_path: Path
) -> None:
    project = make_project(tmp_path, course.folder)
    path = project / DATA / "metadata.parquet"
    pq.write_table(pq.read_table(path).select(["patch_id", "labels"]), path)
    run = run_main(project)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout == as_printed(course.lines)
    patches = [sorted(itertools.chain(*read_split(folder))) for folder in (project, finished[0])]
    assert patches[0] == patches[1]


# --- re-tiling ----------------------------------------------------------------------------------


def test_four_parts_tile_the_patch(course: Course, finished: tuple[Path, Run]) -> None:
    project, _ = finished
    names = {letter: f"{RETILED}_B02_{letter}.tif" for letter in "ABCD"}
    assert {path.name for path in (project / PARTS).iterdir()} == set(names.values())

    with rasterio.open(band_path(course.folder / oracle.ARCHIVE, RETILED, "B02")) as raster:
        whole, crs = raster.read(1), raster.crs
    ground = ground_of(RETILED)
    pixels = {}
    for letter, (right, down) in {"A": (0, 0), "B": (60, 0), "C": (0, 60), "D": (60, 60)}.items():
        with rasterio.open(project / PARTS / names[letter]) as raster:
            assert raster.count == 1
            assert raster.shape == (60, 60)
            assert raster.crs == crs
            assert raster.dtypes == ("uint16",)
            assert raster.nodata == 0
            assert raster.transform == from_origin(
                ground.west + 10 * right, ground.north - 10 * down, 10, 10
            )
            pixels[letter] = raster.read(1)
    stitched = np.block([[pixels["A"], pixels["B"]], [pixels["C"], pixels["D"]]])
    assert np.array_equal(stitched, whole)


# --- split --------------------------------------------------------------------------------------


def read_split(project: Path) -> list[list[str]]:
    """The two columns of split.csv, without the empty cells that make them equally long."""
    with (project / SPLIT).open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        assert reader.fieldnames == ["train", "test"]
        rows = list(reader)
    return [[row[side] for row in rows if row[side]] for side in ["train", "test"]]


@functools.cache
def square_in(zone: int, patch_id: str) -> shapely.Geometry:
    """The square of a patch in the coordinates of a UTM zone, its own or a neighbour's."""
    ground = ground_of(patch_id)
    square = shapely.box(*ground.bounds)
    if ground.zone == zone:
        return square
    projection = pyproj.Transformer.from_crs(32600 + ground.zone, 32600 + zone, always_xy=True)
    # Straight edges bend on the way; 10 m steps follow them to far less than a millimetre.
    dense = shapely.segmentize(square, 10)
    return shapely.transform(
        dense, lambda points: np.column_stack(projection.transform(points[:, 0], points[:, 1]))
    )


def share_ground(first: str, second: str) -> bool:
    zones = [ground_of(first).zone, ground_of(second).zone]
    if abs(zones[0] - zones[1]) > 1:
        return False
    area = square_in(zones[0], first).intersection(square_in(zones[0], second)).area
    # Within a zone the coordinates are whole metres; across zones less than a square metre may
    # be the projection's inaccuracy at a touching edge.
    return bool(area > (0 if zones[0] == zones[1] else 1))


def test_split_holds_every_patch_once(course: Course, finished: tuple[Path, Run]) -> None:
    train, test = read_split(finished[0])
    metadata = pandas.read_parquet(course.folder / "metadata.parquet")
    assert sorted(train + test) == sorted(metadata["patch_id"])
    assert 0.05 < len(test) / len(metadata) < 0.5


def test_no_ground_on_both_sides_of_the_split(finished: tuple[Path, Run]) -> None:
    train, test = read_split(finished[0])
    shared = [pair for pair in itertools.product(train, test) if share_ground(*pair)]
    assert shared == []


def test_the_metadata_has_ground_in_common_for_every_reason(course: Course) -> None:
    """Without such pairs the test of the split would hold nothing."""
    patch_ids = sorted(pandas.read_parquet(course.folder / "metadata.parquet")["patch_id"])
    reasons = dict.fromkeys(["another date", "next tile", "next zone"], 0)
    for first, second in itertools.combinations(patch_ids, 2):
        if share_ground(first, second):
            tiles = [patch_id.split("_")[5] for patch_id in (first, second)]
            if tiles[0] == tiles[1]:
                reasons["another date"] += 1
            elif tiles[0][:3] == tiles[1][:3]:
                reasons["next tile"] += 1
            else:
                reasons["next zone"] += 1
    assert min(reasons.values()) >= 5, reasons


def test_neighbours_stay_together(finished: tuple[Path, Run]) -> None:
    sides = {
        patch_id: side
        for side, patch_ids in zip(["train", "test"], read_split(finished[0]), strict=True)
        for patch_id in patch_ids
    }
    places: dict[tuple[int, int, int], set[str]] = {}
    for patch_id, side in sides.items():
        ground = ground_of(patch_id)
        places.setdefault((ground.zone, ground.west, ground.north), set()).add(side)
    same = total = 0
    for zone, west, north in places:
        for beside in [(zone, west + 1200, north), (zone, west, north - 1200)]:
            if beside in places:
                total += 1
                same += places[zone, west, north] == places[beside]
    assert total > 100
    # A random quarter would keep 62 % of them together.
    assert same / total >= 0.75


# --- missing and broken input -------------------------------------------------------------------


def without(name: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    return damage


def emptied(name: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        shutil.rmtree(data / name)
        (data / name).mkdir()

    return damage


def closed(name: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        (data / name).chmod(0)
        if os.access(data / name, os.R_OK):
            (data / name).chmod(0o755)
            pytest.skip("root may list every folder")

    return damage


def holding(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        (data / name).write_bytes(content)

    return damage


def cut_short(name: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        content = (data / name).read_bytes()
        (data / name).write_bytes(content[: len(content) // 2])

    return damage


def without_column(name: str, column: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        table = pq.read_table(data / name)
        pq.write_table(table.drop_columns([column]), data / name)

    return damage


def with_code(name: str, code: int) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        table = pq.read_table(data / name)
        place = table.column_names.index("DN")
        codes = [code, *table["DN"].to_pylist()[1:]]
        table = table.set_column(place, table.schema.field("DN"), [codes])
        pq.write_table(table, data / name)

    return damage


METADATA = "metadata.parquet"
LIST = "patches_for_stats.csv.gz"
MAP = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_32_28_reference_map.parquet"
SOURCE = f"{RETILED}_B02.tif"

# What is done to the data, and what the error has to name.
DAMAGES = {
    "metadata missing": (without(METADATA), [METADATA]),
    "metadata no Parquet": (holding(METADATA, b"<html>Not found</html>"), [METADATA]),
    "metadata cut short": (cut_short(METADATA), [METADATA]),
    "metadata without labels": (without_column(METADATA, "labels"), [METADATA, "labels"]),
    "metadata without ids": (without_column(METADATA, "patch_id"), [METADATA, "patch_id"]),
    "archive missing": (without(oracle.ARCHIVE), [oracle.ARCHIVE]),
    "archive empty": (emptied(oracle.ARCHIVE), [oracle.ARCHIVE]),
    "patch to re-tile missing": (
        without(str(band_path(Path(oracle.ARCHIVE), RETILED, "B02"))),
        [SOURCE],
    ),
    "patch to re-tile cut short": (
        cut_short(str(band_path(Path(oracle.ARCHIVE), RETILED, "B02"))),
        [SOURCE],
    ),
    "list missing": (without(LIST), [LIST]),
    "list not compressed": (holding(LIST, b"tile,patch_id\nA,B\n"), [LIST]),
    "list cut short": (cut_short(LIST), [LIST]),
    "list without patches": (holding(LIST, gzip.compress(b"tile,patch_id\n")), [LIST]),
    "list without ids": (holding(LIST, gzip.compress(b"tile\nA\n")), [LIST, "patch_id"]),
    "maps missing": (without("geoparquets"), ["geoparquets"]),
    "maps none": (emptied("geoparquets"), ["geoparquets"]),
    "maps that cannot be listed": (closed("geoparquets"), ["geoparquets", "cannot be listed"]),
    "map cut short": (cut_short(f"geoparquets/{MAP}"), [MAP]),
    "map without codes": (without_column(f"geoparquets/{MAP}", "DN"), [MAP, "DN"]),
    "map with an unknown code": (with_code(f"geoparquets/{MAP}", 777), [MAP, "777"]),
}


LINES_OF = {
    "tabular data": slice(0, 6),
    "checking": slice(6, 9),
    "statistics": slice(9, 33),
    "re-tiling": slice(0, 0),
    "vector data": slice(33, 35),
    "split": slice(0, 0),
}
TASKS_OF = {
    "metadata": ["tabular data", "checking", "split"],
    "archive": ["checking", "statistics", "re-tiling"],
    "patch": ["re-tiling"],
    "list": ["statistics"],
    "maps": ["vector data"],
    "map": ["vector data"],
}


def together() -> list[tuple[str, ...]]:
    """All damages, each in one run with others that concern other tasks; some task is left in each."""
    kinds = {kind: [name for name in DAMAGES if name.split()[0] == kind] for kind in TASKS_OF}
    metadata, archive, patch, lists, maps, one_map = kinds.values()
    maps += one_map
    pairs = [*zip(metadata[:2], lists[:2], strict=True), *zip(metadata[2:], maps[:3], strict=True)]
    pairs += zip(lists[2:], maps[3:], strict=True)
    found = [(*pair, *patch[run : run + 1]) for run, pair in enumerate(pairs)]
    assert sum(map(len, found)) + len(archive) == len(DAMAGES)
    return found + [(name,) for name in archive]


@pytest.mark.parametrize("damages", together(), ids=" and ".join)
def test_says_which_inputs_are_missing_or_broken(
    course: Course, tmp_path: Path, damages: tuple[str, ...]
) -> None:
    project = make_project(tmp_path, course.folder)
    for damage in damages:
        DAMAGES[damage][0](project / DATA)
    run = run_main(project)
    errors = run.stderr.decode()
    assert run.returncode == 2, errors
    assert "Traceback" not in errors
    for damage in damages:
        names = DAMAGES[damage][1]
        assert any(all(name in line for name in names) for line in errors.splitlines()), errors
    undone = re.findall(r"^main.py: ([a-z- ]+): cannot be done: ", errors, re.MULTILINE)
    assert set(undone) == {task for damage in damages for task in TASKS_OF[damage.split()[0]]}
    assert undone == [task for task in LINES_OF if task in undone], "in the order of the tasks"
    answered = [course.lines[lines] for task, lines in LINES_OF.items() if task not in undone]
    assert run.stdout == as_printed([line for lines in answered for line in lines])


# --- without the libraries, without data --------------------------------------------------------


def test_started_with_a_python_that_lacks_the_libraries_it_says_how_to_get_them(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path, None)
    run = subprocess.run(
        [sys.executable, "-S", "-E", project / "main.py"],  # -S: as if nothing were installed
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, b"")
    assert (
        run.stderr.decode()
        .splitlines()[-1]
        .endswith(" is not installed; `make run` installs what is needed, see README.md")
    )
    assert "Traceback" not in run.stderr.decode()


COUNT = r"\d+"
AVERAGE = r"\d+\.\d\d"
BANDS = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]
FORM = [
    *(f"{season}: {COUNT}" for season in ["spring", "summer", "fall", "winter"]),
    f"average-num-labels: {AVERAGE}",
    f"maximum-num-labels: {COUNT}",
    *(f"{kind}: {COUNT}" for kind in ["wrong-size", "with-no-data", "not-part-of-dataset"]),
    *(f"{band} {measure}: {COUNT}" for band in BANDS for measure in ["mean", "std-dev"]),
    f"geom-average-num-labels: {AVERAGE}",
    f"geom-num-overlaps: {COUNT}",
]


@pytest.fixture(scope="session")
def unfurnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A project folder without course data in which main.py has run once, and that run."""
    project = make_project(tmp_path_factory.mktemp("unfurnished"), None)
    return project, run_main(project)


def test_without_data_it_says_so_and_answers_for_a_sample(
    unfurnished: tuple[Path, Run],
) -> None:
    project, run = unfurnished
    errors = run.stderr.decode()
    assert run.returncode == 0, errors
    assert "Traceback" not in errors
    said = errors.splitlines()
    assert said[0] == said[-1], "first and last"
    assert "milestone01 is not there, so this run shows a synthetic sample" in said[0]
    assert "no number of it answers the task" in said[0]
    lines = run.stdout.decode().splitlines()
    assert len(lines) == len(FORM) == 35
    for line, form in zip(lines, FORM, strict=True):
        assert re.fullmatch(form, line)
    assert run.stdout == as_printed(lines)
    assert len(list((project / PARTS).iterdir())) == 4
    assert all(read_split(project))


def test_the_sample_never_passes_for_the_course_data(unfurnished: tuple[Path, Run]) -> None:
    project, first = unfurnished
    again = run_main(project)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert any("milestone01" in line for line in again.stderr.decode().splitlines())


def test_answers_for_the_sample_are_right(unfurnished: tuple[Path, Run]) -> None:
    project, run = unfurnished
    lists = list((project / "untracked-files").rglob(LIST))
    if not lists:
        pytest.skip("the sample is not kept, so there is nothing to compare with")
    (path,) = lists
    right = oracle.expected_lines(path.parent)
    for line, answer in zip(run.stdout.decode().splitlines(), right, strict=True):
        if "average" in line:
            # A half hundredth may be rounded either way.
            assert line.split(": ")[0] == answer.split(": ")[0]
            assert abs(float(line.split(": ")[1]) - float(answer.split(": ")[1])) < 0.0101
        else:
            assert line == answer
