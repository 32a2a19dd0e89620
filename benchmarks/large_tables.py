"""What tables and reference maps that are far too large cost, until they are answered or refused.

    PYTHONPATH=. .venv/bin/python benchmarks/large_tables.py

A million polygons in one map, and small files that unpack into gigabytes, each asked about in a process
of its own.
"""

import gzip
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scan import PLACE, ROOT, peak_memory, say

MAP = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_00_00_reference_map.parquet"
MOST_SECONDS, MOST_MEGABYTES = 120, 3072


def make_files(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Names of cases, and the calls; the file of each is made just before."""
    import shapely

    maps, table, texts = folder / "maps", folder / "table.parquet", folder / "list.csv.gz"
    maps.mkdir()
    x, y = np.divmod(np.arange(1_000_000), 1000) * np.array([[1.25], [1.25]])
    cells = shapely.to_wkb(shapely.box(3e5 + x, 5e6 + y, 3e5 + x + 1.25, 5e6 + y + 1.25))
    write(maps / MAP, [1_000_000], DN=lambda n: [312] * n, geometry=lambda _: cells.tolist())
    yield "labels of a million polygons in one map", ["labels", str(maps)]
    yield "overlaps of a million polygons in one map", ["overlaps", str(maps)]
    one = cells[0]
    write(maps / MAP, [100_000] * 160, DN=lambda n: [312] * n, geometry=lambda n: [one] * n)
    yield "labels of the same polygon 16 million times", ["labels", str(maps)]
    write(table, [10_000] * 100, patch_id=lambda n: ["x" * 10_000] * n)
    yield "summary of a text of 10 kB in a million rows", ["summary", str(table)]
    write(table, [1000] * 10, patch_id=lambda n: ["x" * 1_000_000] * n)
    yield "summary of a text of 1 MB in 10,000 rows", ["summary", str(table)]
    write(table, [1_000_000] * 17, patch_id=lambda n: ["x"] * n)
    yield "summary of 17 million rows", ["summary", str(table)]
    texts.write_bytes(gzip.compress(b"patch_id\n" + b"0" * 2**31, 1))
    yield "a list of 2 GB in a gzipped file", ["overlaps", str(texts)]


def write(path: Path, groups: list[int], **columns: object) -> None:
    """A Parquet file of groups of rows, whose columns are functions of their number."""
    writer = None
    for rows in groups:
        table = pa.table({name: column(rows) for name, column in columns.items()})  # type: ignore[operator]
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def main() -> None:
    folder = PLACE / "large_tables"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    missed = False
    for name, call in make_files(folder):
        start = time.monotonic()
        with peak_memory() as peak:
            ended = subprocess.run(
                [sys.executable, "-m", "benkit", *call],
                capture_output=True,
                check=False,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        seconds, megabytes = time.monotonic() - start, peak[0]
        ending = {0: "answered", 2: "refused"}.get(ended.returncode, "FAILED")
        missed |= ending == "FAILED" or seconds > MOST_SECONDS or megabytes > MOST_MEGABYTES
        say(name, f"{seconds:.1f} s, {megabytes:,.0f} MB", ending)
    shutil.rmtree(folder)
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
