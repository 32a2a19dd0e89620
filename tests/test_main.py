"""main.py from end to end, as a process of its own, against independent code."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio

from .conftest import ROOT
from .course.assemble import ARCHIVE, MAIN_PRODUCT, PLANTED, assemble
from .course.maps import OVERLAPPING
from .course.oracle import expected_lines

RETILED = f"{MAIN_PRODUCT}_33_29_B02"
BANDS = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]
FORM = [
    *(rf"{season}: \d+" for season in ("spring", "summer", "fall", "winter")),
    r"average-num-labels: \d+\.\d\d",
    r"maximum-num-labels: \d+",
    *(rf"{error}: \d+" for error in ("wrong-size", "with-no-data", "not-part-of-dataset")),
    *(rf"{band} {figure}: \d+" for band in BANDS for figure in ("mean", "std-dev")),
    r"geom-average-num-labels: \d+\.\d\d",
    r"geom-num-overlaps: \d+",
]


class Run:
    """A folder in which main.py lies beside the package and, where given, the course data."""

    def __init__(self, folder: Path, data: Path | None):
        self.folder = folder.resolve() / "project"
        self.elsewhere = folder.resolve() / "elsewhere"
        self.outputs = self.folder / "untracked-files"
        self.data = self.outputs / "milestone01"
        self.folder.mkdir()
        self.elsewhere.mkdir()
        shutil.copyfile(ROOT / "main.py", self.folder / "main.py")
        (self.folder / "benkit").symlink_to(ROOT / "benkit", target_is_directory=True)
        if data is not None:
            self.data.mkdir(parents=True)
            for entry in data.iterdir():
                (self.data / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())

    def start(self) -> subprocess.CompletedProcess:
        """Run main.py from a folder that has nothing to do with it."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [sys.executable, str(self.folder / "main.py")],
            cwd=self.elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def own_copy(self, name: str) -> Path:
        """Put a folder of links, or a copy, in the place of a linked part of the data."""
        path = self.data / name
        original = path.resolve()
        path.unlink()
        if original.is_dir():
            path.mkdir()
            for entry in original.iterdir():
                (path / entry.name).symlink_to(entry)
        else:
            shutil.copyfile(original, path)
        return path


@pytest.fixture(scope="session")
def course(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the assembled course data set."""
    folder = tmp_path_factory.mktemp("course") / "milestone01"
    folder.mkdir()
    assemble(folder, shared_data)
    return folder


@pytest.fixture(scope="session")
def expected(course: Path) -> list[str]:
    return expected_lines(course)


@pytest.fixture(scope="session")
def finished(course: Path, tmp_path_factory: pytest.TempPathFactory):
    """Give a run over the course data, and what it said."""
    run = Run(tmp_path_factory.mktemp("run"), course)
    result = run.start()
    assert result.returncode == 0, result.stderr
    return run, result


def test_the_oracle_finds_what_was_planted(expected):
    counts = dict(line.split(": ") for line in expected)
    assert {name: int(counts[name]) for name in PLANTED} == PLANTED
    assert int(counts["geom-num-overlaps"]) == len(OVERLAPPING)
    assert len(expected) == len(FORM)


def test_stdout_is_exactly_the_answers(finished, expected):
    _, result = finished
    assert result.stdout.splitlines() == expected
    assert result.stdout == "\n".join(expected) + "\n"


def test_parts_of_the_retiled_band(finished, course):
    run, _ = finished
    folder = run.outputs / "re-tiled"
    corners = {"A": (0, 0), "B": (0, 60), "C": (60, 0), "D": (60, 60)}
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{RETILED}_{letter}.tif" for letter in corners
    ]
    source_path = course / ARCHIVE / MAIN_PRODUCT / RETILED[:-4] / f"{RETILED}.tif"
    with rasterio.open(source_path) as source:
        whole = source.read(1)
        west, north = source.bounds.left, source.bounds.top
        assert whole.shape == (120, 120)
        for letter, (top, left) in corners.items():
            with rasterio.open(folder / f"{RETILED}_{letter}.tif") as part:
                assert part.count == 1
                assert part.crs == source.crs
                assert part.dtypes == source.dtypes == ("uint16",)
                assert part.nodata == source.nodata == 0
                assert tuple(part.transform)[:6] == (
                    *(10, 0, west + 10 * left),
                    *(0, -10, north - 10 * top),
                )
                assert np.array_equal(part.read(1), whole[top : top + 60, left : left + 60])


def read_split(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["train", "test"]
    assert all(len(row) == 2 for row in rows)
    return {
        side: [row[number] for row in rows if row[number]] for number, side in enumerate(header)
    }


def tile_corners(archive: Path) -> dict[str, tuple[float, float]]:
    """North-west corner of each tile, from the original patches' own georeference."""
    corners = {}
    for path in archive.glob("*/*/*_B12.tif"):
        patch = path.parent.name
        with rasterio.open(path) as source:
            west, north = source.transform.c, source.transform.f
        column, row = int(patch[-5:-3]), int(patch[-2:])
        corners[patch.split("_")[5]] = (west - 1200 * column, north + 1200 * row)
    return corners


def share_ground(one: str, other: str, corners: dict[str, tuple[float, float]]) -> bool:
    """Whether two patches of one UTM zone share an interior point."""
    (west, north), (other_west, other_north) = (
        (
            corners[patch.split("_")[5]][0] + 1200 * int(patch[-5:-3]),
            corners[patch.split("_")[5]][1] - 1200 * int(patch[-2:]),
        )
        for patch in (one, other)
    )
    same_zone = one.split("_")[5][1:3] == other.split("_")[5][1:3]
    return same_zone and abs(west - other_west) < 1200 and abs(north - other_north) < 1200


def test_split_has_each_patch_of_the_metadata_once(finished, course):
    run, _ = finished
    sides = read_split(run.outputs / "split.csv")
    patches = pq.read_table(course / "metadata.parquet")["patch_id"].to_pylist()
    assert sides["train"] and sides["test"]
    assert sorted(sides["train"] + sides["test"]) == sorted(patches)


def test_split_keeps_shared_ground_on_one_side(finished, course, shared_data):
    run, _ = finished
    sides = read_split(run.outputs / "split.csv")
    corners = tile_corners(shared_data / "BigEarthNet-S2")
    assert corners["T35ULA"] == (300000, 6100020)
    patches = sides["train"] + sides["test"]
    sharing = [pair for pair in combinations(patches, 2) if share_ground(*pair, corners)]
    across_tiles = [pair for pair in sharing if pair[0].split("_")[5] != pair[1].split("_")[5]]
    assert len(sharing) > 20 and across_tiles, "the data holds shared ground of both kinds"
    train = set(sides["train"])
    assert [pair for pair in sharing if (pair[0] in train) != (pair[1] in train)] == []


def test_second_run_and_fresh_run_give_the_same_bytes(course, tmp_path):
    written = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        run = Run(tmp_path / name, course)
        for _ in range(2 if name == "one" else 1):
            result = run.start()
            assert result.returncode == 0, result.stderr
            parts = sorted((run.outputs / "re-tiled").iterdir())
            files = [run.outputs / "split.csv", *parts]
            written.append([result.stdout, *(path.read_bytes() for path in files)])
        assert not list(run.elsewhere.iterdir())
        assert sorted(path.name for path in run.folder.iterdir() if path.name != "__pycache__") == [
            "benkit",
            "main.py",
            "untracked-files",
        ]
    assert written[0] == written[1] == written[2]


def missing_metadata(run: Run) -> Path:
    path = run.data / "metadata.parquet"
    path.unlink()
    return path


def garbage_metadata(run: Run) -> Path:
    path = run.own_copy("metadata.parquet")
    path.write_bytes(b"this is no table\n" * 100)
    return path


def missing_maps(run: Run) -> Path:
    path = run.data / "geoparquets"
    path.unlink()
    return path


def list_that_is_not_gzip(run: Run) -> Path:
    path = run.own_copy("patches_for_stats.csv.gz")
    path.write_text(f"tile,patch_id\n{MAIN_PRODUCT},{MAIN_PRODUCT}_33_29\n")
    return path


def truncated_map(run: Run) -> Path:
    path = sorted(run.own_copy("geoparquets").iterdir())[7]
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    return path


@pytest.mark.parametrize(
    "spoil",
    [missing_metadata, garbage_metadata, missing_maps, list_that_is_not_gzip, truncated_map],
)
def test_missing_or_broken_data_is_named(spoil: Callable[[Run], Path], course, tmp_path):
    run = Run(tmp_path, course)
    culprit = spoil(run)
    result = run.start()
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert str(culprit) in result.stderr
    assert "Traceback" not in result.stderr


def test_without_data_a_synthetic_sample_is_used(tmp_path):
    run = Run(tmp_path, None)
    result = run.start()
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("\n")
    lines = result.stdout.splitlines()
    assert len(lines) == len(FORM) == 35
    for line, form in zip(lines, FORM, strict=True):
        assert re.fullmatch(form, line), f"{line!r} is not of the form {form!r}"
    assert "synthetic sample" in result.stderr
    assert not run.data.exists()
