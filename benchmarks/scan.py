"""How fast `benkit scan` is beside what people use today, in one run on one machine.

    PYTHONPATH=. .venv/bin/python benchmarks/scan.py [--patches 2000 12000 50000] [--rounds 3]

The archive is made by repeating the real patches of ../shared/data under valid names, each file written
out in full. The page cache is warm. Start-up is taken out by the difference of two sizes.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT / ".." / "shared" / "data" / "BigEarthNet-S2"
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files" / "benchmarks"))
ALL_FILES = 549_488 * 12
WORKERS = 2


def make_archive(folder: Path, patches: int) -> Path:
    """Repeat the real patches; an archive that is there already is used again."""
    if (folder / ".whole").exists():
        return folder / "archive"
    shutil.rmtree(folder, ignore_errors=True)
    sources = sorted(REAL.glob("*/*"))
    contents = [
        {file.name.removeprefix(patch.name): file.read_bytes() for file in patch.iterdir()}
        for patch in sources
    ]
    for number in range(patches):
        place, which = divmod(number, len(sources))
        product = sources[which].parent.name
        name = f"{product}_{place // 91 % 91:02d}_{place % 91:02d}"
        target = folder / "archive" / product / name
        target.mkdir(parents=True)
        for suffix, content in contents[which].items():
            (target / (name + suffix)).write_bytes(content)
    (folder / ".whole").touch()
    return folder / "archive"


def files_of(archive: Path) -> list[str]:
    return sorted(str(path) for path in archive.glob("*/*/*.tif"))


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# What people write today: open, check size and NO_DATA, sum.


def rasterio_loop(files: list[str]) -> tuple[int, int, int]:
    import rasterio

    wrong = empty = total = 0
    for file in files:
        with rasterio.open(file) as source:
            for pixels in source.read():
                wrong += pixels.shape not in ((120, 120), (60, 60), (20, 20))
                valid = pixels[pixels != source.nodata]
                empty += valid.size != pixels.size
                total += int(valid.sum(dtype="uint64"))
    return wrong, empty, total


def rasterio_with_processes(files: list[str]) -> None:
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    half = len(files) // 2
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        pool.map(rasterio_loop, [files[:half], files[half:]])


def cat(files: list[str]) -> None:
    """Read the same bytes with two cat processes."""
    half = len(files) // 2
    processes = []
    for part in (files[:half], files[half:]):
        with tempfile.TemporaryFile() as names:
            names.write("\0".join(part).encode())
            names.seek(0)
            command = ["xargs", "-0", "cat"]
            processes.append(subprocess.Popen(command, stdin=names, stdout=subprocess.DEVNULL))
    for process in processes:
        assert process.wait() == 0, "cat has read everything"


def benkit_scan(archive: Path, *options: str) -> dict[str, float]:
    """A scan as people run it, in a process of its own that knows nothing yet."""
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        command = [sys.executable, "-m", "benkit", "scan", str(archive), "--json", "--no-progress"]
        command += ["--output", f"{folder}/inventory.parquet", "--workers", str(WORKERS), *options]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Sample the proportional memory of all processes below this one; MB at the peak."""
    peak = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            peak[0] = max(peak[0], memory_of_descendants(os.getpid()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def memory_of_descendants(root: int) -> int:
    """Megabytes: what the processes have for themselves and their shares of what they share."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(folder.name))
    kilobytes = 0
    waiting = list(parents.get(root, []))
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            kilobytes += int(rollup.split("Pss:")[1].split()[0])
        except (OSError, IndexError):
            continue
    return kilobytes // 1024


def rounds_of(count: int, actions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median time of each action, all of them in turn, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(count + 1):
        for name, action in actions.items():
            spent = seconds(action)
            if number:
                times[name].append(spent)
    return {name: statistics.median(values) for name, values in times.items()}


def say(name: str, value: str, target: str = "") -> None:
    print(f"{name:<58} {value:>16}   {target}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", type=int, nargs=3, default=[2_000, 12_000, 50_000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not REAL.is_dir():
        sys.exit("benchmarks/scan.py needs the real patches in ../shared/data")
    PLACE.mkdir(parents=True, exist_ok=True)
    sizes = arguments.patches
    archives = [make_archive(PLACE / f"{size}-patches", size) for size in sizes]
    files = [files_of(archive) for archive in archives]
    say("what", "measured", "target")
    speed(archives, files, arguments.rounds)
    threads_and_processes(archives[0], arguments.rounds)
    cold(archives[0], files[0])
    encodings(archives[0], arguments.rounds)
    start_up(arguments.rounds)


def speed(archives: list[Path], files: list[list[str]], rounds: int) -> None:
    small, middle, large = (len(names) for names in files)
    times = rounds_of(
        rounds,
        {
            "cat small": lambda: cat(files[0]),
            "cat middle": lambda: cat(files[1]),
            "benkit small": lambda: benkit_scan(archives[0]),
            "benkit middle": lambda: benkit_scan(archives[1]),
        },
    )
    loop = rounds_of(1, {"loop": lambda: rasterio_with_processes(files[0][: small // 4])})["loop"]
    empty = rounds_of(1, {"loop": lambda: rasterio_with_processes(files[0][:2])})["loop"]
    per_file = 1e6 / (middle - small)
    ours = (times["benkit middle"] - times["benkit small"]) * per_file
    bytes_only = (times["cat middle"] - times["cat small"]) * per_file
    todays = (loop - empty) / (small // 4) * 1e6
    say("benkit scan, per file", f"{ours:.1f} us")
    say("two cat processes, per file", f"{bytes_only:.1f} us")
    say("two processes with rasterio, per file", f"{todays:.0f} us")
    say("benkit against the rasterio loop", f"{todays / ours:.0f} x as fast", "30, aim 45")
    say("benkit against cat", f"{ours / bytes_only:.2f} x the time", "2.0, aim 1.3")
    cat(files[2])  # into the page cache
    with peak_memory() as peak:
        top = statistics.median([seconds(lambda: benkit_scan(archives[2])) for _ in range(2)])
    at_top = (top - times["benkit middle"]) / (large - middle) * 1e6
    say(
        f"benkit scan, per file from {middle:,} to {large:,}",
        f"{at_top:.1f} us",
        f"{ours:.1f} +- 10 %",
    )
    say("peak memory of all processes at the top", f"{peak[0]} MB", "600 MB")
    say("6.6 million files at that rate", f"{at_top * ALL_FILES / 60e6:.1f} min")


def encodings(archive: Path, rounds: int) -> None:
    """Compressed archives, which GDAL has to read."""
    import rasterio

    for compression in ("deflate", "zstd"):
        target = PLACE / f"{compression}-archive"
        if not (target / ".whole").exists():
            shutil.rmtree(target, ignore_errors=True)
            for path in sorted(archive.glob("*/*"))[:400]:
                folder = target / "archive" / path.parent.name / path.name
                folder.mkdir(parents=True)
                for file in path.iterdir():
                    with rasterio.open(file) as source:
                        profile = source.profile | {"compress": compression, "predictor": 2}
                        with rasterio.open(folder / file.name, "w", **profile) as copy:
                            copy.write(source.read())
            (target / ".whole").touch()
        files = files_of(target / "archive")
        times = rounds_of(
            rounds,
            {
                "benkit": lambda target=target: benkit_scan(target / "archive"),
                "loop": lambda files=files: rasterio_with_processes(files),
            },
        )
        ratio = times["loop"] / times["benkit"]
        say(
            f"{compression}: benkit against the rasterio loop, whole runs", f"{ratio:.2f} x as fast"
        )


def read_and_measure(root: str, start: int, step: int) -> int:
    """What one worker does, without the table: every step-th batch of patches."""
    from benkit.archive.band_reader import BandFileReader
    from benkit.archive.listing import list_archive
    from benkit.inventory.scanning.moments import measure_rows

    patches = list_archive(Path(root)).patches
    reader = BandFileReader(Path(root))
    total = 0
    for first in range(start * reader.capacity, len(patches), step * reader.capacity):
        for band in reader.read(patches[first : first + reader.capacity]).bands.values():
            total += sum(int(measure_rows(group.pixels, 0).sum.sum()) for group in band.plain)
    return total


def threads_and_processes(archive: Path, rounds: int) -> None:
    """The same work on two threads of one process, and on two processes that run already."""
    work = [(str(archive), start, WORKERS) for start in range(WORKERS)]
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    spawn = multiprocessing.get_context("spawn")
    with ThreadPool(WORKERS) as threads, spawn.Pool(WORKERS) as processes:
        times = rounds_of(
            rounds,
            {
                "threads": lambda: threads.starmap(read_and_measure, work),
                "processes": lambda: processes.starmap(read_and_measure, work),
            },
        )
    ratio = times["threads"] / times["processes"]
    say("two threads against two processes", f"{ratio:.2f} x the time")


def cold(archive: Path, files: list[str]) -> None:
    """The first scan of an archive that nobody has read since the machine started."""
    os.sync()
    for name in files:
        handle = os.open(name, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    spent = seconds(lambda: benkit_scan(archive))
    say(
        "page cache cold: benkit scan, per file", f"{spent / len(files) * 1e6:.0f} us", "the disk's"
    )


def start_up(rounds: int) -> None:
    with tempfile.TemporaryDirectory(dir=PLACE) as empty:
        python = [sys.executable, "-c"]
        times = rounds_of(
            rounds,
            {
                "benkit scan of an empty archive": lambda: benkit_scan(Path(empty)),
                "import benkit": lambda: subprocess.run(
                    [*python, "import benkit"], cwd=ROOT, check=True
                ),
                "benkit --help": lambda: subprocess.run(
                    [sys.executable, "-m", "benkit", "--help"],
                    cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                ),
            },
        )  # fmt: skip
    for (name, value), target in zip(times.items(), ("1 s", "0.3 s", "0.3 s"), strict=True):
        say(name, f"{value:.2f} s", target)


if __name__ == "__main__":
    main()
