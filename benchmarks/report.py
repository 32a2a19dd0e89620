"""Time and size of the report and of the web map: a small sample, one of course size, and everything.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/report.py [METADATA]

The metadata defaults to ../shared/data/metadata.parquet; the inventory of its archive is made up, with
errors as frequent as in the course data. Times are of the whole command, with the start of Python.
Seconds on the clock, which other work on the machine makes longer, and of the processor. The pages
stay in the folder that BENKIT_BENCHMARKS names, default untracked-files/benchmarks, so that
they can be looked at. Exit status 1: a target was missed.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benkit.domain.layouts import BANDS
from benkit.ground.footprints import locate
from benkit.inventory.table.schema import INVENTORY_SCHEMA
from benkit.metadata.metadata_file import read_metadata

ROOT = Path(__file__).resolve().parents[1]
METADATA = ROOT.parent / "shared" / "data" / "metadata.parquet"
SAMPLES = (300, 5000)
MOST_SECONDS, MOST_MB = 60, {"report": 5, "map": 10}


def main(metadata: Path) -> int:
    folder = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files" / "benchmarks"))
    pages = folder / "report"
    pages.mkdir(parents=True, exist_ok=True)
    print(
        f"{'page':<16}{'patches':>9}{'seconds':>9}{'target':>8}{'CPU s':>7}{'GiB':>7}{'MB':>8}"
        f"{'target':>8}"
    )
    met = True
    for patches in SAMPLES:
        sample = pages / f"sample-{patches}"
        if not sample.exists():
            run("sample", sample, "--patches", patches, "--seed", 7, "--quiet")
        archive = sample / "BigEarthNet-v2.0-S2-with-errors"
        met &= measure(pages / str(patches), archive, sample / "metadata.parquet", patches)
    inventory = pages / "inventory.parquet"
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # its memory would count as theirs
        patches = pool.submit(make_inventory, metadata, inventory).result()
    return 0 if measure(pages / "all", inventory, metadata, patches) and met else 1


def measure(name: Path, source: Path, metadata: Path, patches: int) -> bool:
    """Make both pages and print a line on each; whether they keep to the targets."""
    split = name.with_suffix(".csv")
    run("split", metadata, "--output", split, "--quiet")
    met = True
    for page, most_mb in MOST_MB.items():
        output = name.with_name(f"{name.name}-{page}.html")
        seconds, cpu, gib = run(
            *(page, source, "--metadata", metadata, "--split", split),
            *("--output", output, "--quiet", "--overwrite"),
        )
        mb = output.stat().st_size / 1e6
        print(
            f"{page:<16}{patches:>9,}{seconds:>9.1f}{MOST_SECONDS:>8}{cpu:>7.1f}{gib:>7.2f}"
            f"{mb:>8.2f}{most_mb:>8}",
            flush=True,
        )
        met &= seconds < MOST_SECONDS and mb < most_mb
    return met


def run(*arguments: object) -> tuple[float, float, float]:
    """Seconds, those of the processor, and peak memory in GiB of a command."""
    command = [sys.executable, "-m", "benkit", *map(str, arguments)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    cpu = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, cpu, kibibytes / 2**20


def make_inventory(metadata: Path, output: Path) -> int:
    """Write what a scan of the metadata's archive might find; returns the number of patches."""
    ids = read_metadata(metadata)["patch_id"]
    places = locate(ids)
    numbers = np.random.default_rng(7)
    patches = pa.table(
        {
            "patch_id": ids,
            "product": [str(places.products[p]) for p in places.product.tolist()],
            "epsg": places.epsg,
            "x": places.x,
            "y": places.y,
            "brightness": numbers.lognormal(0, 0.5, len(ids)),
            "fault": numbers.random(len(ids)),
            "faulty": numbers.integers(0, 12, len(ids)),
        }
    )
    bands = pa.table(
        {
            "band": [band.name for band in BANDS.values()],
            "number": list(range(len(BANDS))),
            "side": [band.side for band in BANDS.values()],
            "metres": [band.pixel_size for band in BANDS.values()],
        }
    )
    columns = ", ".join(
        f'CAST({VALUES.get(field.name, "NULL")} AS {TYPES[str(field.type)]}) AS "{field.name}"'
        for field in INVENTORY_SCHEMA
    )
    with duckdb.connect() as database:
        database.execute("SET enable_progress_bar = false")
        database.register("patches", patches)
        database.register("bands", bands)
        database.execute(
            f"COPY (SELECT {columns} FROM (SELECT *, {STATES} FROM patches, bands)"
            f" ORDER BY product, patch_id, number) TO '{output}' (FORMAT parquet)"
        )
    return len(ids)


STATES = """
    CASE WHEN number <> faulty OR fault > 0.06 THEN 'sound' WHEN fault < 0.02 THEN 'small'
         WHEN fault < 0.05 THEN 'empty' WHEN fault < 0.055 THEN 'missing' ELSE 'unreadable' END
    AS state,
    CASE WHEN state = 'small' THEN side // 2 ELSE side END AS pixels,
    CASE WHEN state IN ('missing', 'unreadable') THEN NULL ELSE pixels * pixels END AS total,
    CASE WHEN state = 'empty' THEN total // 4 ELSE 0 END AS lost,
    CASE WHEN total IS NULL THEN NULL
         ELSE round((300 + 150 * number) * brightness)::BIGINT END AS level
"""
VALUES = {
    "patch_id": "patch_id",
    "band": "band",
    "product": "product",
    "status": "CASE WHEN state IN ('missing', 'unreadable') THEN state ELSE 'ok' END",
    "detail": "CASE WHEN state = 'unreadable' THEN 'the file ends too early' END",
    "bytes": "2 * total + 400",
    "width": "CASE WHEN total IS NOT NULL THEN pixels END",
    "height": "CASE WHEN total IS NOT NULL THEN pixels END",
    "dtype": "CASE WHEN total IS NOT NULL THEN 'uint16' END",
    "nodata": "CASE WHEN total IS NOT NULL THEN 0 END",
    "valid": "total - lost",
    "nodata_count": "CASE WHEN total IS NOT NULL THEN lost END",
    "sum": "level * (total - lost)",
    "sum_sq": "level::HUGEINT * level * (total - lost)",
    "min": "level - level // 4",
    "max": "level + level // 2",
    "epsg": "CASE WHEN total IS NOT NULL THEN epsg END",
    "x": "CASE WHEN total IS NOT NULL THEN x END",
    "y": "CASE WHEN total IS NOT NULL THEN y END",
    "pixel_size": "CASE WHEN total IS NOT NULL THEN metres END",
    "pixel_width": "CASE WHEN total IS NOT NULL THEN metres END",
    "pixel_height": "CASE WHEN total IS NOT NULL THEN metres END",
    "offset": "CASE WHEN total IS NOT NULL THEN 396 END",
    "header_hash": "CASE WHEN total IS NOT NULL THEN hash(patch_id, pixels) END",
    "pixel_hash": "CASE WHEN total IS NOT NULL THEN hash(patch_id, band) END",
}
TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint64": "UBIGINT",
    "double": "DOUBLE",
    "decimal128(38, 0)": "DECIMAL(38, 0)",
}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else METADATA))
