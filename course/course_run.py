"""A run of main.py on a synthetic sample of the course's size."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import benkit
from course.inputs import PATCHES, ROOT, SEED


def run_course(work: Path) -> dict[str, Any]:
    """main.py, as it is, on a synthetic sample of the course's size."""
    project = course_project(work)
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=project, capture_output=True, check=True, text=True
    )
    data = project / "untracked-files" / "milestone01"
    split = (project / "untracked-files" / "split.csv").read_text("utf-8").splitlines()
    sides = [line.split(",") for line in split[1:]]
    judged = benkit.evaluate(project / "untracked-files" / "split.csv", data / "metadata.parquet")
    return {
        "patches": PATCHES,
        "seed": SEED,
        "files": sum(1 for _ in (data / "BigEarthNet-v2.0-S2-with-errors").glob("*/*/*.tif")),
        "rows": pq.read_metadata(data / "metadata.parquet").num_rows,
        "lines": done.stdout.splitlines(),
        "planted": {
            kind: int(many)
            for kind, many in re.findall(
                r"  (\w+): (\d+)\n", (data / "README.txt").read_text("utf-8")
            )
        },
        "leakage": judged.test.leakage,
        "crossing_pairs": judged.crossing_pairs,
        "train": sum(bool(train) for train, _ in sides),
        "test": sum(bool(test) for _, test in sides),
    }


def course_project(work: Path) -> Path:
    """A folder with main.py, its library and a sample of the course's size.

    The sample is kept for the next time, as long as the code that makes it is the same.
    """
    project = work / "project"
    data = project / "untracked-files" / "milestone01"
    made_by, maker = project / "sample-made-by.txt", _maker()
    if not made_by.exists() or made_by.read_text("utf-8") != maker:
        shutil.rmtree(project, ignore_errors=True)
        data.parent.mkdir(parents=True)
        benkit.sample(data, patches=PATCHES, seed=SEED)
        made_by.write_text(maker, "utf-8")
    shutil.copyfile(ROOT / "main.py", project / "main.py")
    shutil.rmtree(project / "benkit", ignore_errors=True)
    shutil.copytree(
        ROOT / "benkit", project / "benkit", ignore=shutil.ignore_patterns("__pycache__")
    )
    return project


def _maker() -> str:
    """What identifies the code that makes samples, and what it is asked for."""
    code = hashlib.sha256(f"{PATCHES} {SEED}".encode())
    for room in ("samples", "domain", "tiff", "files"):
        for file in sorted((ROOT / "benkit" / room).rglob("*.py")):
            code.update(file.read_bytes())
    return code.hexdigest()
