"""How fast packs are written and read, beside the loop that people write by hand, in one run.

    PYTHONPATH=. .venv/bin/python benchmarks/packs.py [--patches 2000] [--rounds 3]

The archive is made by repeating the real patches of ../shared/data under valid names. The loop by hand
opens each band with rasterio and puts the patch into an LMDB as a safetensors; it verifies nothing,
while `benkit.export` reads back what it has written. Reading is in random order, one process, bands as
they are. The page cache is warm. Ends with 1 if the loop takes less than 10 times as long as Arrow
files, or if reading them takes longer than reading the files of the archive.
"""

import argparse
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import lmdb
import rasterio
import safetensors.numpy
from scan import PLACE, make_archive

import benkit

TARGET = 10
COMMIT = 500


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def by_hand(archive: Path, target: Path) -> None:
    """What people write: twelve rasterio opens a patch, and LMDB."""
    target.mkdir()
    patches = sorted(archive.glob("*/*"))
    with lmdb.open(str(target), map_size=2**36) as environment:
        for start in range(0, len(patches), COMMIT):
            with environment.begin(write=True) as transaction:
                for patch in patches[start : start + COMMIT]:
                    bands = {}
                    for path in sorted(patch.iterdir()):
                        with rasterio.open(path) as file:
                            bands[path.stem.rpartition("_")[2]] = file.read(1)
                    transaction.put(patch.name.encode(), safetensors.numpy.save(bands))


def read_lmdb(folder: Path, names: Sequence[str]) -> None:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment:
        with environment.begin() as transaction:
            for name in names:
                safetensors.numpy.load(transaction.get(name.encode()))


def read_all(dataset: benkit.PatchDataset, rows: Sequence[int]) -> None:
    for row in rows:
        dataset[row]


def medians(actions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each, in turns."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            found[name].append(seconds(action))
    return {name: statistics.median(times) for name, times in found.items()}


def main(patches: int, rounds: int) -> int:
    folder = PLACE / "packs"
    folder.mkdir(parents=True, exist_ok=True)
    archive = make_archive(folder / f"archive-{patches}", patches)
    inventory = folder / "inventory.parquet"
    benkit.scan(archive, inventory)

    def export(kind: str) -> None:
        benkit.export(inventory, folder / kind, archive=archive, format=kind, overwrite=True)

    def hand() -> None:
        shutil.rmtree(folder / "hand", ignore_errors=True)
        by_hand(archive, folder / "hand")

    written = medians(
        {"by hand": hand, "arrow": lambda: export("arrow"), "lmdb": lambda: export("lmdb")}, rounds
    )
    for name, time_taken in written.items():
        ratio = written["by hand"] / time_taken
        print(f"write, {name}: {time_taken / patches * 1000:.3f} ms a patch, {ratio:.1f} x")
    of_files = benkit.PatchDataset(inventory, archive)
    of_pack = benkit.PatchDataset(
        folder / "arrow" / "inventory.parquet", folder / "arrow" / "BigEarthNet-S2"
    )
    rows = random.Random(1).sample(range(patches), min(1000, patches))
    names = [of_files.patch_ids[row] for row in rows]
    read = medians(
        {
            "files": lambda: read_all(of_files, rows),
            "arrow": lambda: read_all(of_pack, rows),
            "lmdb with safetensors": lambda: read_lmdb(folder / "lmdb" / "BigEarthNet-S2", names),
        },
        2 * rounds + 1,
    )
    for name, time_taken in read.items():
        print(f"read, {name}: {time_taken / len(rows) * 1000:.3f} ms a patch")
    slow = written["by hand"] < TARGET * written["arrow"] or read["arrow"] > read["files"]
    shutil.rmtree(folder)
    return int(slow)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sys.exit(main(options.patches, options.rounds))
