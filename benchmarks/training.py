"""How fast patches come from an archive for training, beside torchgeo, rasterio and LMDB, in one run.

    PYTHONPATH=. .venv/bin/python benchmarks/training.py [--patches 1000] [--rounds 3] [--python PYTHON]

A sample is exported without its findings; all read its patches in random order, the page cache warm,
each in a process of its own (a loop: with two workers), in turn, and medians count. torchgeo, torch,
lmdb and safetensors live in an environment of the benchmark's own, which takes 6 GB and minutes to make
(or in that of PYTHON); where they cannot be installed, rasterio alone is compared with.
`BENKIT_BENCHMARKS` names the folder. What must be reached stands behind the figures.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch as replaced

import numpy as np
from environments import can_import, environment
from made_archives import OFFICIAL, write_inventory

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files" / "benchmarks"))
NEEDED = ("torchgeo", "pyarrow", "requests", "duckdb", "lmdb", "safetensors")
MODULES = "torchgeo.datasets, lmdb, safetensors, duckdb"
BATCH, WORKERS = 64, 2
MEAN, STD = 1000.0, 500.0
DISTANCE = 0.005  # seconds from asking for a file to its first byte

RATIOS = (
    (
        "12 x 120 x 120 float32, bilinear, normalised: torchgeo / ours",
        "torchgeo images",
        "images",
        "20 x",
    ),
    ("the same with map and labels: torchgeo / ours", "torchgeo", "all", ""),
    ("twelve rasterio opens / ours, native resolution", "rasterio", "files", "60 x"),
    ("ours / LMDB with safetensors", "files", "lmdb", "2.0 x at most"),
    ("ours from a tar / LMDB with safetensors", "tar", "lmdb", ""),
    ("ours from a pack / LMDB with safetensors", "pack", "lmdb", ""),
    ("DataLoader, 2 workers, batch 64: torchgeo / ours", "loop torchgeo", "loop all", "20 x"),
    ("the same: torchgeo / zeros, for which nothing is read", "loop torchgeo", "loop zeros", ""),
)
LOOP = "loop "


def say(what: str, value: str, target: str = "") -> None:
    print(f"{what:<66} {value:>16}  {target}", flush=True)


# --- what is read --------------------------------------------------------------------------------------


def make(folder: Path, patches: int) -> None:
    """An archive without findings, in the folders that torchgeo looks for, a pack, and inventories."""
    import benkit

    sample = folder / "sample"
    benkit.sample(sample, patches)
    archive, metadata = next(sample.glob("BigEarthNet*")), sample / "metadata.parquet"
    findings = benkit.audit(archive, metadata).findings
    chosen = {"metadata": metadata, "exclude": findings}
    clean = folder / "clean"
    benkit.export(archive, clean, reference_maps=sample / "Reference_Maps", copy=True, **chosen)
    benkit.export(archive, folder / "pack", format="arrow", **chosen)
    tar = folder / "BigEarthNet-S2.tar"
    with tarfile.open(tar, "w") as packed:
        packed.add(clean / "BigEarthNet-S2", "BigEarthNet-S2")
    benkit.scan(tar, folder / "tar.parquet")
    (clean / "BigEarthNet-S1").mkdir(exist_ok=True)  # looked for, though no band of it is read
    if OFFICIAL[0].is_file():
        write_inventory(folder / "official.parquet", 1, found=False)


# --- ways to read it -----------------------------------------------------------------------------------


class Rasterio:
    """Every band by an open of its own, at its own size."""

    def __init__(self, archive: Path, patch_ids: Sequence[str], bands: Sequence[str]) -> None:
        self.files = [
            [f"{archive}/{patch[:-6]}/{patch}/{patch}_{band}.tif" for band in bands]
            for patch in patch_ids
        ]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> list[np.ndarray]:
        rasterio = import_module("rasterio")
        bands = []
        for path in self.files[row]:
            with rasterio.open(path) as file:
                bands.append(file.read(1))
        return bands


class Lmdb:
    """The arrays of each patch as safetensors under its id."""

    def __init__(self, folder: Path, dataset: Any) -> None:
        safetensors = import_module("safetensors.numpy")
        self.load, self.ids = safetensors.load, [patch.encode() for patch in dataset.patch_ids]
        pack = import_module("lmdb").open(str(folder / "lmdb"), map_size=2**36)
        with pack.begin(write=True) as writing:
            for item in dataset:
                writing.put(item["patch_id"].encode(), safetensors.save(item["image"]))
        self.reading = pack.begin()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Any:
        return self.load(self.reading.get(self.ids[row]))


class Images:
    """The images of torchgeo's data set, without its map and label, normalised."""

    def __init__(self, theirs: Any) -> None:
        self.theirs = theirs

    def __len__(self) -> int:
        return len(self.theirs)

    def __getitem__(self, row: int) -> Any:
        return (self.theirs._load_image(row, "s2") - MEAN) / STD


def torchgeo(root: Path) -> Any:
    return import_module("torchgeo.datasets").BigEarthNetV2(str(root), split="train", bands="s2")


def one_by_one(dataset: Any, rows: Sequence[int]) -> None:
    for row in rows:
        dataset[row]


def whole_loop(dataset: Any, rows: Sequence[int]) -> None:
    """A DataLoader of PyTorch over some patches in a given order."""
    load = import_module("torch.utils.data").DataLoader
    for _ in load(dataset, batch_size=BATCH, num_workers=WORKERS, sampler=list(rows)):
        pass


class Zeros:
    """Items as large as ours, for which nothing is read: what the loop itself takes."""

    def __init__(self, patches: int) -> None:
        self.patches = patches
        self.item = {
            "image": np.zeros((12, 120, 120), np.float32),
            "target": np.zeros((120, 120), np.uint8),
            "labels": np.zeros(19, np.float32),
        }

    def __len__(self) -> int:
        return self.patches

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        return self.item


def opened(folder: Path, way: str) -> Any:
    """What reads patches in one of the ways, a data set."""
    from benkit import PatchDataset

    root = folder / "clean"
    archive, maps = root / "BigEarthNet-S2", root / "Reference_Maps"
    plain = PatchDataset(root / "inventory.parquet", archive)
    normal = dict.fromkeys(plain.bands, (MEAN, STD))
    images = partial(PatchDataset, root / "inventory.parquet", archive, size=120)
    images = partial(images, resampling="bilinear", normalise=normal)
    labels = {"labels": root / "metadata.parquet", "order": "alphabetical"}
    ways: dict[str, Callable[[], Any]] = {
        "files": lambda: plain,
        "tar": lambda: PatchDataset(folder / "tar.parquet", folder / "BigEarthNet-S2.tar"),
        "pack": lambda: PatchDataset(
            folder / "pack" / "inventory.parquet", folder / "pack" / "BigEarthNet-S2"
        ),
        "images": images,
        "all": lambda: images(**labels, maps=maps),
        "zeros": lambda: Zeros(len(plain)),
        "rasterio": lambda: Rasterio(archive, plain.patch_ids, plain.bands),
        "lmdb": lambda: Lmdb(folder, plain),
        "torchgeo": lambda: torchgeo(root),
        "torchgeo images": lambda: Images(torchgeo(root)),
    }
    return ways[way]()


# --- each in a process of its own ----------------------------------------------------------------------


def serve(folder: Path, way: str) -> None:
    """Say that all is read once; then read again at each line, and say the milliseconds a patch."""
    dataset = opened(folder, way.removeprefix(LOOP))
    rows = np.random.default_rng(0).permutation(len(dataset)).tolist()
    read = whole_loop if way.startswith(LOOP) else one_by_one
    slow = "torchgeo" in way or "rasterio" in way
    if read is whole_loop:
        rows = rows[: 6 * BATCH] if slow else (rows * 20)[: 60 * BATCH]
    elif slow:
        rows = rows[: len(rows) // 5]
    read(dataset, rows)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        read(dataset, rows)
        print((time.perf_counter() - start) * 1e3 / len(rows), flush=True)


def medians(folder: Path, ways: Sequence[str], rounds: int) -> dict[str, float]:
    """Milliseconds a patch of each way, all in turn in every round."""
    servers = {}
    for way in ways:
        command = [sys.executable, __file__, "--serve", way, "--folder", str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        servers[way] = subprocess.Popen(command, **pipes)
        servers[way].stdout.readline()
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, server in servers.items():
            print(file=server.stdin, flush=True)
            found[way].append(float(server.stdout.readline()))
    for server in servers.values():
        server.communicate()
    return {way: statistics.median(times) for way, times in found.items()}


def is_possible(way: str) -> bool:
    """Whether what a way needs is installed."""
    needed = {"lmdb": "lmdb", "torchgeo": "torchgeo", LOOP: "torch"}
    return all(find_spec(module) for text, module in needed.items() if text in way)


def measure(folder: Path, rounds: int) -> None:
    from benkit import PatchDataset

    ways = [
        way for way in dict.fromkeys(chain(*(ratio[1:3] for ratio in RATIOS))) if is_possible(way)
    ]
    found = medians(folder, ways, rounds)
    for way, time_of in found.items():
        say(f"{way}: per patch", f"{time_of:.3f} ms")
    for what, slow, quick, must in RATIOS:
        if slow in found and quick in found:
            say(what, f"{found[slow] / found[quick]:.1f} x", must)
    root = folder / "clean"
    plain = PatchDataset(root / "inventory.parquet", root / "BigEarthNet-S2")
    order = np.random.default_rng(0).permutation(len(plain)).tolist()
    cold(root, plain, order)
    distant(plain, order[: 2 * BATCH])
    if find_spec("torch"):
        say("memory that a worker of the loop takes of its own", f"{worker_memory(plain):.0f} MB")


def cold(root: Path, plain: Any, order: Sequence[int]) -> None:
    """Files evicted from the page cache before each is read."""
    files = [str(path) for path in (root / "BigEarthNet-S2").rglob("*.tif")]
    times = {}
    for threads in (1, 16):
        evict(files)
        plain.threads = threads
        start = time.perf_counter()
        for at in range(0, len(order), BATCH):
            plain.__getitems__(order[at : at + BATCH])
        times[threads] = (time.perf_counter() - start) * 1e3 / len(order)
        say(f"cold, {threads} threads: per patch", f"{times[threads]:.3f} ms")
    plain.threads = 1


def evict(files: Sequence[str]) -> None:
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def distant(plain: Any, rows: Sequence[int]) -> None:
    """A disk that answers late: each open waits."""
    quick = os.open

    def late(*arguments: Any, **options: Any) -> int:
        time.sleep(DISTANCE)
        return quick(*arguments, **options)

    with replaced("os.open", late):
        for threads in (1, 16, 64):
            plain.threads, plain._executor = threads, None
            start = time.perf_counter()
            plain.__getitems__(rows)
            spent = (time.perf_counter() - start) * 1e3 / len(rows)
            say(
                f"{DISTANCE * 1e3:.0f} ms before each open, {threads} threads: per patch",
                f"{spent:.2f} ms",
            )
    plain.threads, plain._executor = 1, None


class Memory:
    """A data set whose items are what the process that reads them holds of its own."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> float:
        self.dataset[row]
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        own = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
        return sum(own) / 1024


def worker_memory(plain: Any) -> float:
    load = import_module("torch.utils.data").DataLoader
    return max(
        float(one.max()) for one in load(Memory(plain), batch_size=BATCH, num_workers=WORKERS)
    )


def start(folder: Path) -> None:
    """Seconds and peak memory of opening the official archive's inventory, imports included."""
    begin = time.perf_counter()
    from benkit import PatchDataset

    dataset = PatchDataset(folder / "official.parquet", folder)
    spent = time.perf_counter() - begin
    # not of getrusage, which begins with what the process held that started this one
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    say(f"start with {len(dataset):,} patches", f"{spent:.2f} s", "2 s")
    say(f"start with {len(dataset):,} patches: peak memory", f"{int(peak) / 1024:.0f} MB", "300 MB")


def main(patches: int, rounds: int, python: Path | None) -> int:
    if python and not can_import(python, MODULES):
        sys.exit(f"{python}: expected a Python that has {MODULES}")
    found = python or environment(PLACE / "torchgeo-environment", MODULES, NEEDED)
    if isinstance(found, str):
        print(f"torchgeo cannot be installed here, rasterio alone is compared with: {found}")
        found = Path(sys.executable)
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="training-", dir=PLACE) as folder:
        make(Path(folder), patches)
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}", "PYTHONWARNINGS": "ignore"}
        for step, of in ("--measure", found), ("--start", Path(sys.executable)):
            command = [of, __file__, step, folder, "--rounds", str(rounds)]
            if step == "--measure" or (Path(folder) / "official.parquet").exists():
                subprocess.run(command, env=environ, check=True)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", type=Path)
    for step in ("--measure", "--start", "--folder"):
        parser.add_argument(step, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.folder, options.serve)
    elif options.measure:
        measure(options.measure, options.rounds)
    elif options.start:
        start(options.start)
    else:
        sys.exit(main(options.patches, options.rounds, options.python))
