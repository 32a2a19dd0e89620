"""The numbers of the report, computed on the official metadata and on a run of the course's size."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import benkit
from benkit.ground.footprints import locate
from course.course_run import run_course
from course.formats import csv_facts, metadata_facts, parquet_facts
from course.inputs import METADATA
from course.places import footprint_facts, retile_facts
from course.round_trips import round_trips
from course.shared_ground import overlap_facts
from course.split_facts import split_facts
from course.task_map import task_map


@dataclass(frozen=True)
class Facts:
    """What the report says and what its figures show.

    Attributes
    ----------
    numbers : dict
        For JSON; the documents read it.
    arrays : dict
        Arrays for the figures.
    """

    numbers: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)


def compute(work: Path) -> Facts:
    """Compute everything; files go below ``work``."""
    metadata = benkit.Metadata(METADATA).table
    places = locate(metadata["patch_id"])
    overlaps, arrays = overlap_facts(metadata, places)
    splits, more_arrays = split_facts(metadata, places, arrays["centres"])
    numbers = quick(work) | {"csv": csv_facts(metadata, work), "overlaps": overlaps} | splits
    return Facts(numbers | {"run": run_course(work)}, arrays | more_arrays)


def quick(work: Path) -> dict[str, Any]:
    """The numbers that take no more than seconds."""
    metadata = benkit.Metadata(METADATA).table
    return {
        "metadata": metadata_facts(metadata),
        "parquet": parquet_facts(),
        "round_trips": round_trips(work / "formats"),
        "retile": retile_facts(work),
        "geometry": footprint_facts(metadata),
        "task_map": task_map(),
    }


def changed(new: Mapping[str, Any], old: Mapping[str, Any], path: str = "") -> list[str]:
    """Names of the numbers that differ."""
    names = []
    for key in sorted({*new, *old}):
        name = f"{path}.{key}" if path else key
        one, other = new.get(key), old.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            names.extend(changed(one, other, name))
        elif one != other:
            names.append(name)
    return names
