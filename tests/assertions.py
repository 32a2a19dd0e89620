"""The assertions that guard the results of the course task: which, where, and what they say.

    .venv/bin/python -m tests.assertions

writes the table of docs/testing.md anew; `tests/test_assertions.py` holds it, and that each can fail.
"""

import ast
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "testing.md"
HEAD = "| task | file and line | description |\n|---|---|---|\n"

# By task the functions whose results its answers are.
GUARDED = {
    "tabular data": ["benkit/metadata/summary.py: summarize"],
    "checking": ["benkit/inventory/audit.py: audit_inventory"],
    "statistics": [
        "benkit/inventory/statistics.py: band_statistics",
        "benkit/inventory/statistics.py: _from_sums",
    ],
    "re-tiling": [
        "benkit/retiling/retile.py: parts_of_grid",
        "benkit/retiling/retile.py: retile",
        "main.py: retiling",
    ],
    "vector data": [
        "benkit/reference_maps/labels.py: label_sets",
        "benkit/reference_maps/map_overlaps.py: map_overlaps",
    ],
    "split": [
        "benkit/splits/make.py: _finished",
        "benkit/splits/make.py: split_folds",
        "main.py: Course._split",
    ],
}


class Assertion(NamedTuple):
    """One assertion: a row of the table."""

    task: str
    file: str
    line: int
    description: str


def assertions() -> list[Assertion]:
    """All of them, in the order of the tasks."""
    return [
        Assertion(task, file, found.lineno, ast.literal_eval(found.msg or ast.Constant("")))
        for task, functions in GUARDED.items()
        for file, name in (function.split(": ") for function in functions)
        for found in _asserts(ROOT / file, name.split("."))
    ]


def _asserts(path: Path, names: list[str]) -> Iterator[ast.Assert]:
    """The assertions of a function, which may be one of a class."""
    found: ast.AST = ast.parse(path.read_text("utf-8"))
    for name in names:
        inside = list(ast.iter_child_nodes(found))
        (found,) = (one for one in inside if getattr(one, "name", None) == name)
    return (one for one in ast.walk(found) if isinstance(one, ast.Assert))


def table() -> str:
    """The table of the document."""
    rows = [
        f"| {one.task} | `{one.file}:{one.line}` | {one.description} |\n" for one in assertions()
    ]
    return HEAD + "".join(rows)


def written(text: str) -> str:
    """The document with the table as it should be."""
    before, _, after = text.partition(HEAD)
    rest = after.splitlines(keepends=True)
    return before + table() + "".join(dropwhile(lambda line: line.startswith("|"), rest))


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
