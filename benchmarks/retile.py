"""How fast `benkit retile` is beside gdal_retile, and `benkit patchify` on a whole tile.

    PYTHONPATH=. .venv/bin/python benchmarks/retile.py [--side 10980] [--rounds 3]

gdal_retile is that of Debian's gdal-bin; BENKIT_BENCHMARKS names the folder for the files, a tmpfs say.
Both cut the same uint16 scene into parts of the same size and inner layout, each in a process of its
own; then all parts are compared, pixels and georeference.
A whole tile of twelve made-up bands is cut into patches, which are scanned and audited.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from benkit.domain.layouts import BIGEARTHNET_S2

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files" / "benchmarks"))
WORKERS = 2
TARGET = 3.0
PRODUCT = "S2A_MSIL2A_20170613T101031_N0205_R022_T33UUP"
CORNER = (300_000, 5_400_000)
TILE_METRES = 109_800
ROWS_AT_ONCE = 915
INSTALL = (
    "benchmarks/retile.py needs gdal_retile: on Debian "
    "`apt-get update && apt-get install -y gdal-bin python3-gdal`"
)
DEFLATE = {"compress": "deflate", "predictor": 2, "tiled": True}


def write_scene(file: Path, side: int, pixel_size: int, noise: int, **options: object) -> None:
    """Waves with noise on them, none of them 0."""
    rng = np.random.default_rng(0)
    waves = np.sin(np.arange(side) / 300)
    profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "uint16"}
    profile |= {"crs": "EPSG:32633", "nodata": 0, **options}
    transform = from_origin(*CORNER, pixel_size, pixel_size)
    with rasterio.open(file, "w", **profile, transform=transform) as target:
        for row in range(0, side, ROWS_AT_ONCE):
            rows = waves[row : row + ROWS_AT_ONCE, np.newaxis]
            pixels = (1500 + 800 * waves * rows).astype(np.uint16)
            pixels += rng.integers(0, noise, pixels.shape, np.uint16)
            target.write(pixels[np.newaxis], window=Window(0, row, side, len(rows)))


def gdal_retile(scene: Path, size: int, target: Path, compressed: bool) -> None:
    command = ["gdal_retile.py", "-q", "-ps", str(size), str(size), "-targetDir", str(target)]
    if compressed:
        block = -(-size // 16) * 16
        for option in ("COMPRESS=DEFLATE", "PREDICTOR=2", "TILED=YES"):
            command += ["-co", option]
        command += ["-co", f"BLOCKXSIZE={block}", "-co", f"BLOCKYSIZE={block}"]
    target.mkdir()
    subprocess.run([*command, str(scene)], check=True, stdout=subprocess.DEVNULL)


def benkit(verb: str, *options: object) -> dict[str, float]:
    command = [sys.executable, "-m", "benkit", verb, *map(str, options), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def benkit_retile(scene: Path, size: int, target: Path) -> None:
    benkit("retile", scene, "--output", target, "--tile-size", size, "--workers", WORKERS)


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of the processor in other processes, which a busy machine changes less."""
    clock, processor = time.perf_counter(), processor_seconds()
    action()
    return time.perf_counter() - clock, processor_seconds() - processor


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(rounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    clock, processor = zip(*rounds, strict=True)
    return statistics.median(clock), statistics.median(processor)


class PeakMemory:
    """Megabytes of all processes below this one at the peak, shared pages counted once."""

    def __enter__(self) -> "PeakMemory":
        self.megabytes = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.over.wait(0.05):
            kilobytes = sum(map(proportional_memory, descendants(os.getpid())))
            self.megabytes = max(self.megabytes, kilobytes // 1024)


def descendants(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    for child in list(children):
        children += descendants(child)
    return children


def proportional_memory(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/smaps_rollup").read_text().split("Pss:")[1].split()[0])
    except (OSError, IndexError):
        return 0


def contents(folder: Path) -> dict[tuple, bytes]:
    """What parts hold, by where they lie: transform, CRS, NO_DATA and size; a digest of the pixels."""
    parts = {}
    for file in folder.iterdir():
        with rasterio.open(file) as source:
            key = (*tuple(source.transform), source.crs.to_epsg(), source.nodata, source.shape)
            assert key not in parts, f"{file} lies where another part lies"
            parts[key] = blake2b(source.read().tobytes()).digest()
    return parts


def compare(name: str, scene: Path, size: int, rounds: int, target: float | None) -> None:
    """Both tools in turn, the median of the rounds."""
    compressed = "deflate" in name
    times: tuple[list[tuple[float, float]], ...] = ([], [])
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        ours, theirs = Path(folder, "ours"), Path(folder, "theirs")
        for _ in range(rounds):
            shutil.rmtree(ours, ignore_errors=True)
            shutil.rmtree(theirs, ignore_errors=True)
            times[1].append(seconds(lambda: gdal_retile(scene, size, theirs, compressed)))
            with PeakMemory() as memory:
                times[0].append(seconds(lambda: benkit_retile(scene, size, ours)))
        parts = contents(ours)
        assert parts == contents(theirs), "the same pixels at the same places"
    count = len(parts)
    (mine, our_work), (gdals, gdals_work) = (medians(both) for both in times)
    title = f"{name}, {count:,} parts of {size}: gdal_retile"
    say(title, f"{gdals:.2f} s", f"processor {gdals_work:.2f} s")
    note = f"processor {our_work:.2f} s, peak {memory.megabytes} MB"
    say("    benkit retile, two workers", f"{mine:.2f} s", note)
    aim = f"at least {target:g}" if target else "no target"
    say("    ratio", f"{gdals / mine:.2f} x as fast", aim)


def whole_tile(pixels: int) -> None:
    """A tile of made-up bands into patches; bands of one pixel size share a file."""
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        scene, archive = Path(folder, PRODUCT), Path(folder, "archive")
        scene.mkdir()
        sources: dict[int, Path] = {}
        for name, band in BIGEARTHNET_S2.bands.items():
            file = scene / f"{name}.tif"
            if band.pixel_size in sources:
                os.link(sources[band.pixel_size], file)
                continue
            sources[band.pixel_size] = file
            side = pixels * 10 // band.pixel_size
            write_scene(file, side, band.pixel_size, 16, compress="zstd", zstd_level=1)
        start = time.perf_counter()
        with PeakMemory() as memory:
            done = benkit("patchify", scene, "--output", archive, "--workers", WORKERS)
        spent = time.perf_counter() - start
        say(
            f"patchify, {done['patches']:,} patches",
            f"{spent:.1f} s",
            f"peak {memory.megabytes} MB",
        )
        expected = (pixels // 120) ** 2
        assert done == {"patches": expected, "files": 12 * expected}, done
        findings = audit(archive, Path(folder))
        say("    findings of an audit", f"{findings}", "0")
        assert findings == 0, "patches as the archive has them"


def audit(archive: Path, folder: Path) -> int:
    inventory, metadata = folder / "inventory.parquet", folder / "metadata.parquet"
    benkit("scan", archive, "--output", inventory, "--workers", WORKERS, "--no-progress")
    ids = sorted(path.name for path in archive.glob("*/*"))
    labels = pa.array([["Pastures"]] * len(ids), pa.list_(pa.string()))
    pq.write_table(pa.table({"patch_id": ids, "labels": labels}), metadata)
    counts = benkit("audit", inventory, "--metadata", metadata)
    assert counts.pop("patches") == len(ids)
    return int(sum(counts.values()))


def say(name: str, value: str, note: str = "") -> None:
    print(f"{name:<58} {value:>16}   {note}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=10_980, help="of the scene in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if not shutil.which("gdal_retile.py"):
        sys.exit(INSTALL)
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        plain, deflated = Path(folder, "plain.tif"), Path(folder, "deflate.tif")
        write_scene(plain, options.side, 10, 64)
        write_scene(deflated, options.side, 10, 64, blockxsize=512, blockysize=512, **DEFLATE)
        for size, target in ((120, TARGET), (256, TARGET), (1024, None)):
            compare("uncompressed", plain, size, options.rounds, target)
        compare("deflate", deflated, 256, 1, None)
    whole_tile(options.side)


if __name__ == "__main__":
    main()
