"""What the split of a large archive costs on the command line, reading and writing included.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/large_splits.py [--copies 1 4] [METADATA]

The metadata defaults to ../shared/data/metadata.parquet. Copies of it lie side by side: each is moved by
12 UTM zones, so that its tiles, and its ground, are its own. Memory is what the command and its workers
have at their peak together, shared pages counted once. Ends with 1 if a figure of the column must is
missed.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.scan import peak_memory
from benchmarks.split import METADATA, show, verdict

ZONES_APART = 12
BEFORE_ZONE, AFTER_ZONE = 39, 41  # characters of a patch id
LIMITS = {1: ((20, 10), (2, 1.2)), 4: ((60, 40), (2, 2))}
"""Seconds and GiB, must and aim of each, by number of copies."""


def copies_of(metadata: pa.Table, count: int) -> pa.Table:
    """Several archives like one, side by side."""
    if count == 1:
        return metadata
    zones = pc.utf8_slice_codeunits(metadata["patch_id"], BEFORE_ZONE, AFTER_ZONE).cast(pa.int32())
    first = 1 + (pc.min(zones).as_py() - 1) % ZONES_APART - pc.min(zones).as_py()
    moved = [in_zones(metadata, pc.add(zones, first + ZONES_APART * n)) for n in range(count)]
    return pa.concat_tables(moved)


def in_zones(metadata: pa.Table, zones: pa.ChunkedArray) -> pa.Table:
    """The same patches with other UTM zones in their names."""
    ids = metadata["patch_id"]
    parts = [
        pc.utf8_slice_codeunits(ids, 0, BEFORE_ZONE),
        pc.utf8_lpad(zones.cast(pa.string()), 2, "0"),
    ]
    moved = pc.binary_join_element_wise(*parts, pc.utf8_slice_codeunits(ids, AFTER_ZONE), "")
    return metadata.set_column(metadata.column_names.index("patch_id"), "patch_id", moved)


def cost_of(metadata: pa.Table, folder: Path) -> tuple[dict[str, float], float, float, float]:
    """Metrics, seconds, seconds of processors, and GiB of a split."""
    pq.write_table(metadata, folder / "metadata.parquet", compression="zstd")
    call = [
        "split",
        str(folder / "metadata.parquet"),
        "--output",
        str(folder / "split.csv"),
        "--json",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with peak_memory() as megabytes:
        ended = subprocess.run(
            [sys.executable, "-m", "benkit", *call], capture_output=True, text=True, check=True
        )
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(ended.stdout), seconds, used, megabytes[0] / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metadata", nargs="?", default=METADATA, type=Path)
    parser.add_argument("--copies", nargs="+", default=[1, 4], type=int, choices=range(1, 6))
    options = parser.parse_args()
    official = pq.read_table(options.metadata)
    lines = [["patches", "figure", "measured", "must", "aim"]]
    missed = []
    for copies in options.copies:
        metadata = copies_of(official, copies)
        with tempfile.TemporaryDirectory() as folder:
            found, seconds, used, memory = cost_of(metadata, Path(folder))
        (most, aimed), (most_memory, aimed_memory) = LIMITS.get(copies, ((None,) * 2,) * 2)
        for title, value, must, aim in (
            ("overlapping pairs across the sides", found["crossing_pairs"], 0, 0),
            ("seconds", seconds, most, aimed),
            ("seconds of processors", used, None, None),
            ("peak memory, GiB", memory, most_memory, aimed_memory),
        ):
            limits = ["" if limit is None else f"{limit}" for limit in (must, aim)]
            lines.append([f"{len(metadata):,}", title, f"{value:.4g}", *limits])
            if must is not None and value > must:
                missed.append(f"{title} of {len(metadata):,} patches")
    show(lines)
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
