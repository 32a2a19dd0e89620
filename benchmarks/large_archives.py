"""What verbs cost on archives of 0.1, 1 and 10 times the official one: size, seconds, memory, ratio.

    PYTHONPATH=. .venv/bin/python benchmarks/large_archives.py [--archives 0.1 1 10] [--verbs audit ...]

Inventories and metadata are those of `made_archives.py`; ten archives take 3 GB on the disk, in the
folder that `BENKIT_BENCHMARKS` names, and are removed. Each verb runs in a process of its own, whose
peak memory counts, and whose seconds of processors are shown beside those of the clock. Of export all is
measured but naming and placing files: selection, plan, metadata and
inventory. The peak of split comes after its workers have ended; `large_splits.py` counts them in. Ends
with 1 if a limit of `VERBS` is missed, or a page is larger than 5 MB.
"""

import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from made_archives import PATCHES, write_inventory, write_metadata

from benkit.datasets.exporting.place_files import ExportFile
from benkit.datasets.exporting.write_archive import ExportPart
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import writing_inventory

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files" / "benchmarks"))


@dataclass(frozen=True)
class Verb:
    """How a verb is called in a folder, and what it may cost: GB, and seconds by those of a tenth."""

    call: Callable[[Path], list[str]]
    most_memory: float = 2.0
    most_ratio: float = 12.0
    most_seconds: float = math.inf
    needs: tuple[str, ...] = ("inventory.parquet",)


OF_METADATA = 2.5, 13.0
"""GB, and seconds by those of a tenth, of verbs that look at metadata alone."""
MOST_PAGE = 5_000_000  # bytes


def of_metadata(name: str, output: str | None = None) -> Verb:
    """A verb that is given the metadata and maybe an output."""

    def call(folder: Path) -> list[str]:
        written = [] if output is None else ["--output", f"{folder}/{output}"]
        return [name, f"{folder}/metadata.parquet", *written]

    return Verb(call, *OF_METADATA, needs=())


VERBS = {
    "audit": Verb(
        lambda folder: [
            *("audit", f"{folder}/inventory.parquet", "--metadata", f"{folder}/metadata.parquet"),
            *("--findings", f"{folder}/findings.parquet"),
        ]
    ),
    "stats": Verb(lambda folder: ["stats", f"{folder}/inventory.parquet"]),
    "stats --exclude": Verb(
        lambda folder: [
            *("stats", f"{folder}/inventory.parquet", "--exclude", f"{folder}/findings.parquet"),
        ],
        needs=("inventory.parquet", "findings.parquet"),
    ),
    "duplicates": Verb(
        lambda folder: [
            *("duplicates", f"{folder}/inventory.parquet"),
            *("--output", f"{folder}/duplicates.parquet"),
        ]
    ),
    "diff": Verb(
        lambda folder: [
            *("diff", f"{folder}/inventory.parquet", f"{folder}/later.parquet"),
            *("--output", f"{folder}/diff.parquet"),
        ],
        needs=("inventory.parquet", "later.parquet"),
    ),
    "export": Verb(
        lambda folder: [
            *("export", f"{folder}/inventory.parquet", "--metadata", f"{folder}/metadata.parquet"),
            *("--exclude", f"{folder}/findings.parquet", "--archive", f"{folder}/archive"),
            *("--output", f"{folder}/export", "--no-verify", "--overwrite"),
        ],
        needs=("inventory.parquet", "findings.parquet"),
    ),
    "summary": of_metadata("summary"),
    "footprints": of_metadata("footprints", "footprints.parquet"),
    "overlaps": of_metadata("overlaps"),
    "split": replace(
        of_metadata("split", "split.csv"), most_memory=4.0, most_ratio=math.inf, most_seconds=240
    ),
    "evaluate": Verb(
        lambda folder: [
            *("evaluate", f"{folder}/split.csv", "--metadata", f"{folder}/metadata.parquet"),
        ],
        *OF_METADATA,
        needs=("split.csv",),
    ),
    "report": Verb(
        lambda folder: [
            *("report", "--metadata", f"{folder}/metadata.parquet"),
            *("--split", f"{folder}/split.csv", "--output", f"{folder}/report.html"),
        ],
        *OF_METADATA,
        needs=("split.csv",),
    ),
    "map": of_metadata("map", "map.html"),
}


def make(folder: Path, archives: float, names: set[str]) -> None:
    """The files that verbs need, but for those that are there and those that a verb writes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "archive").mkdir(exist_ok=True)
    for name in {"metadata.parquet", *names} - {path.name for path in folder.iterdir()}:
        if name == "metadata.parquet":
            write_metadata(folder / name, archives)
        elif name == "split.csv":
            cost_of(VERBS["split"], folder)
        elif name != "findings.parquet":
            write_inventory(folder / name, archives, later=name == "later.parquet")
    if "findings.parquet" in names and not (folder / "findings.parquet").exists():
        cost_of(VERBS["audit"], folder)


def cost_of(verb: Verb, folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of processors, and GB of a verb."""
    command = [sys.executable, __file__, "--run", *verb.call(folder), "--json"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    *said, last = ended.stderr.splitlines()
    if not last.startswith(("status 0 ", "status 1 ")):
        sys.exit("\n".join([*said, last]))
    json.loads(ended.stdout)
    return seconds, used, int(last.split()[-1]) * 1024 / 1e9


def rows_alone(
    folder: Path, root: Path, inventory: Inventory, part: ExportPart
) -> Iterator[tuple[list[ExportFile], int]]:
    """Write the inventory of an export, and name no file."""
    with writing_inventory(folder / "inventory.parquet", inventory.layout) as writer:
        for rows in inventory.rows_of(part.patches):
            writer.write(rows)
    yield [], len(part.patches)


def run(call: list[str]) -> None:
    """Run a verb but for placing files, and say on stderr how it ended and its peak memory."""
    from benkit.cli import main as benkit

    with patch("benkit.datasets.exporting.write_archive._placed_rows", rows_alone):
        status = benkit(call)
    # not of getrusage, which begins with what the process held that started this one
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(f"status {status} peak {peak}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archives", nargs="+", type=float, default=[0.1, 1, 10])
    parser.add_argument("--verbs", nargs="+", choices=VERBS, default=[*VERBS])
    parser.add_argument("--keep", type=Path, help="folder of what is made, which then stays there")
    options = parser.parse_args()
    place = options.keep or PLACE
    place.mkdir(parents=True, exist_ok=True)
    first: dict[str, float] = {}
    before: dict[str, float] = {}
    missed = []
    titles = ("patches", "verb", "seconds", "of processors", "GB", "x smallest", "x before")
    line = "{:>10}  {:<16} {:>8} {:>14} {:>6} {:>11} {:>9}"
    print(line.format(*titles))
    for archives in sorted(options.archives):
        with tempfile.TemporaryDirectory(dir=place) as made:
            folder = Path(made) if options.keep is None else place / f"{archives:g}"
            make(folder, archives, {need for name in options.verbs for need in VERBS[name].needs})
            for name in options.verbs:
                verb = VERBS[name]
                seconds, used, memory = cost_of(verb, folder)
                ratio = seconds / before.get(name, seconds)
                numbers = (seconds, used, memory, seconds / first.setdefault(name, seconds), ratio)
                shown = [f"{number:.2f}" for number in numbers]
                print(line.format(f"{round(archives * PATCHES):,}", name, *shown), flush=True)
                before[name] = seconds
                most = (verb.most_memory, verb.most_ratio, verb.most_seconds)
                pages = [page.stat().st_size for page in folder.glob(f"{name}.html")]
                if (
                    max(pages, default=0) > MOST_PAGE
                    or np.greater((memory, ratio, seconds), most).any()
                ):
                    missed.append(f"{name} of {archives:g} archives")
    print(*[f"missed: {one}" for one in missed], sep="\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(run(sys.argv[2:]) if sys.argv[1:2] == ["--run"] else main())
