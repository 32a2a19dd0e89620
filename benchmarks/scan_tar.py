"""How fast an archive is scanned in its tar, and patches are read from it, beside the unpacked folder.

    PYTHONPATH=. .venv/bin/python benchmarks/scan_tar.py [--patches 4000] [--rounds 3]

The archive is a sample with pixels like those of BigEarthNet v2.0. `BENKIT_BENCHMARKS` names the
folder. The page cache is warm; all are measured in turn, and the least time counts. The rows of
both scans have to be the same but for their offsets.
"""

import argparse
import resource
import shutil
import subprocess
import time
from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq
from scan import PLACE

import benkit

SAMPLE, TAR = PLACE / "tar-sample", PLACE / "tar-sample.tar"
FOLDER = SAMPLE / "BigEarthNet-v2.0-S2-with-errors"


def least(rounds: int, ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least seconds of each way, all in turn."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: min(found) for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    benkit.sample(SAMPLE, patches=arguments.patches)
    subprocess.run(["tar", "-cf", TAR, "-C", SAMPLE, FOLDER.name], check=True)
    of_folder, of_tar = PLACE / "tar-folder.parquet", PLACE / "tar-tar.parquet"
    scans = least(
        arguments.rounds,
        {
            "cat ARCHIVE.tar": lambda: subprocess.run(["cat", TAR], stdout=subprocess.DEVNULL),
            "scan of the tar": lambda: benkit.scan(TAR, of_tar),
            "scan of the folder": lambda: benkit.scan(FOLDER, of_folder, full=True),
        },
    )
    one, other = (pq.read_table(path).drop_columns("offset") for path in (of_folder, of_tar))
    assert one.equals(other), "the rows are those of the folder"
    size = TAR.stat().st_size
    for name, found in scans.items():
        print(f"{name:<20}{found:8.2f} s{size / found / 1e6:10,.0f} MB/s")
    print(f"tar / folder        {scans['scan of the tar'] / scans['scan of the folder']:8.2f}")
    sets = {
        "patch of the tar": benkit.PatchDataset(of_tar, TAR, findings="skip"),
        "patch of the folder": benkit.PatchDataset(of_folder, FOLDER, findings="skip"),
    }
    rows = np.random.default_rng(0).permutation(len(sets["patch of the tar"]))[:1000].tolist()

    def read(name: str) -> None:
        for row in rows:
            sets[name][row]

    reads = least(
        arguments.rounds + 1,
        {name: lambda name=name: read(name) for name in sets},  # type: ignore[misc]
    )
    for name, found in reads.items():
        print(f"{name:<20}{found / len(rows) * 1e3:8.3f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory of this process {peak:,.0f} MB")
    shutil.rmtree(SAMPLE)
    TAR.unlink()


if __name__ == "__main__":
    main()
