"""Which file does which task: asked of the functions themselves, so that a renamed file shows."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import benkit
from benkit.inventory.audit import audit_inventory
from benkit.inventory.scanning.scan import scan
from benkit.inventory.statistics import band_statistics
from benkit.metadata.summary import summarize
from benkit.reference_maps.labels import label_sets
from benkit.reference_maps.map_overlaps import map_overlaps
from benkit.retiling.retile import retile
from benkit.splits.make import split_patches
from course.inputs import ROOT

# By task the functions that do it, the verb of the command line, and the tests beside them.
TASKS: dict[str, tuple[list[Callable[..., Any]], str, str]] = {
    "tabular data": ([summarize], "summary", "tests/metadata"),
    "checking": ([scan, audit_inventory], "scan, audit", "tests/inventory"),
    "statistics": ([band_statistics], "stats", "tests/inventory"),
    "re-tiling": ([retile], "retile", "tests/retiling"),
    "vector data": ([label_sets, map_overlaps], "labels, overlaps", "tests/reference_maps"),
    "split": ([split_patches], "split, evaluate", "tests/splits"),
}


def task_map() -> list[dict[str, Any]]:
    """Task, functions and their files, verbs, folder of tests."""
    found = []
    for task, (functions, verbs, tests) in TASKS.items():
        assert all(verb in benkit.__all__ for verb in verbs.split(", ")), "verbs are public"
        assert (ROOT / tests).is_dir(), "the tests are where the map says"
        files = [
            Path(inspect.getsourcefile(inspect.unwrap(one)) or "").relative_to(ROOT)
            for one in functions
        ]
        found.append(
            {
                "task": task,
                "functions": [one.__name__ for one in functions],
                "files": [file.as_posix() for file in files],
                "verbs": verbs,
                "tests": tests,
            }
        )
    return found
