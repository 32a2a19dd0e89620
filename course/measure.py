"""The times of the report: they differ from run to run, so they are taken on demand and committed.

All are processor times, which other work on the machine disturbs less than the clock's.
"""

import gzip
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import benkit
from benkit.splits.make import split_patches
from course.course_run import course_project
from course.formats import csv_text
from course.inputs import METADATA

ROOT = Path(__file__).resolve().parents[1]
QUESTION = "SELECT substr(patch_id, 16, 2) AS month, count(*) FROM '{}' GROUP BY month"
_REPEATS = 7
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux, x86-64": ("x86_64-unknown-linux-gnu", {}),
    "Linux, Arm": ("aarch64-unknown-linux-gnu", {}),
    "macOS 14, Apple silicon": ("aarch64-apple-darwin", {"MACOSX_DEPLOYMENT_TARGET": "14.0"}),
    "macOS 15, Apple silicon": ("aarch64-apple-darwin", {"MACOSX_DEPLOYMENT_TARGET": "15.0"}),
    "macOS 15, Intel": ("x86_64-apple-darwin", {"MACOSX_DEPLOYMENT_TARGET": "15.0"}),
    "Windows, x86-64": ("x86_64-pc-windows-msvc", {}),
    "Windows, Arm": ("aarch64-pc-windows-msvc", {}),
}
"""Systems that the lock is asked for: as uv names them, and which macOS it is to assume."""


def measure(work: Path, *, oracle: bool = True) -> dict[str, Any]:
    """Measure everything; files go below ``work``. The oracle takes far longer than the rest."""
    import duckdb

    metadata = benkit.Metadata(METADATA).table
    files = {"parquet": METADATA, "csv.gz": work / "metadata.csv.gz", "csv": work / "metadata.csv"}
    csv_text(metadata, files["csv"])
    files["csv.gz"].write_bytes(gzip.compress(files["csv"].read_bytes(), 6, mtime=0))
    answers = {name: _ask(file) for name, file in files.items()}
    assert len({str(answer) for answer, _ in answers.values()}) == 1, "one answer for all formats"
    project = course_project(work)
    inventory = project / "untracked-files" / "inventory.parquet"
    inventory.unlink(missing_ok=True)
    command = [sys.executable, "main.py"]
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} on {platform.machine()}, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}",
        "question": QUESTION,
        "bytes": {name: file.stat().st_size for name, file in files.items()},
        "seconds": {name: seconds for name, (_, seconds) in answers.items()},
        "split_seconds": _seconds(lambda: split_patches(metadata, test=0.25)),
        "main_seconds": _seconds(
            lambda: subprocess.run(command, cwd=project, check=True, capture_output=True)
        ),
    }
    found["platforms"] = _platforms(work)
    if oracle:
        found["oracle"] = _oracle(project)
    return found


def _ask(file: Path) -> tuple[list[Any], float]:
    """The season question, put to DuckDB on one core; the file is in memory after the first time."""
    import duckdb

    taken, answer = [], []
    for _ in range(_REPEATS):
        with duckdb.connect(config={"threads": 1}) as connection:
            start = time.process_time()
            answer = sorted(connection.execute(QUESTION.format(file)).fetchall())
            taken.append(time.process_time() - start)
    return answer, round(median(taken), 4)


def _seconds(work: Callable[[], object]) -> float:
    """Processor time of some work, in this process and in those that it starts and ends."""

    def used() -> float:
        return sum(os.times()[:4])

    start = used()
    work()
    return round(used() - start, 1)


def _platforms(work: Path) -> dict[str, Any]:
    """Where the lock can be installed from wheels alone, and what is missing elsewhere."""
    rows, most = [], 0
    for name, (platform_name, extra) in PLATFORMS.items():
        cells = []
        for version in VERSIONS:
            command = [
                str(ROOT / ".venv" / "bin" / "uv"), "pip", "install", "--dry-run",
                "--require-hashes", "--only-binary", ":all:", "--python-platform", platform_name,
                "--python-version", version, "--target", str(work / "nothing"),
                "-r", "requirements.lock",
            ]  # fmt: skip
            asked = subprocess.run(
                command, cwd=ROOT, env=os.environ | extra, capture_output=True, text=True
            )
            count = re.search(r"Would install (\d+) packages", asked.stderr)
            lacking = re.search(r"([\w-]+)(?:\{.*?\})?==\S+ has no", asked.stderr)
            assert count or lacking, asked.stderr
            most = max(most, int(count[1]) if count else 0)
            cells.append("yes" if count else f"no {lacking[1] if lacking else ''}")
        rows.append({"name": name, "cells": cells})
    return {"versions": list(VERSIONS), "rows": rows, "most_packages": most}


def _oracle(project: Path) -> dict[str, Any]:
    """How many lines of main.py the tests' own slow code gives too, on the same folder."""
    from tests.course.oracle import expected_lines

    command = [sys.executable, "main.py"]
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
    printed = done.stdout.splitlines()
    expected: list[str] = []
    data = project / "untracked-files" / "milestone01"
    seconds = _seconds(lambda: expected.extend(expected_lines(data)))
    same = sum(one == other for one, other in zip(printed, expected, strict=True))
    return {"lines": len(printed), "same": same, "seconds": seconds}
