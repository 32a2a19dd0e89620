"""How fast `benkit scan` is on archives of other layouts, beside Sentinel-2 and a loop with rasterio.

    PYTHONPATH=. .venv/bin/python benchmarks/scan_layouts.py [--share 0.1] [--rounds 3]

Archives are made by repeating the real files of ../shared/data under other names; with a share of 1 they
have the 27,000 files of EuroSAT, and 100,000 as in SSL4EO-S12. `BENKIT_BENCHMARKS` names the folder.
The page cache is warm; all are measured in turn, by two processes. Start-up is taken out on both
sides by runs on nearly nothing.
"""

import argparse
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from scan import (
    PLACE,
    ROOT,
    benkit_scan,
    make_archive,
    peak_memory,
    rasterio_with_processes,
    say,
    seconds,
)

DATA = ROOT / ".." / "shared" / "data"
S2_PATCHES, S1_PATCHES, EUROSAT_FILES, SSL4EO_PATCHES = 12_000, 25_000, 27_000, 7_700


def sentinel_1(target: Path, count: int) -> Iterator[tuple[Path, Path]]:
    (patch,) = (DATA / "BigEarthNet-S1").glob("*/*")
    for number in range(count):
        place, product = number % 91**2, number // 91**2
        name = f"{patch.parent.name[:-1]}{product}"
        other = f"{name}_33UUP_{place // 91:02d}_{place % 91:02d}"
        for file in patch.iterdir():
            yield file, target / name / other / file.name.replace(patch.name, other)


def eurosat(target: Path, count: int) -> Iterator[tuple[Path, Path]]:
    files = sorted((DATA / "EuroSAT_MS").glob("*/*.tif"))
    for number in range(count):
        file = files[number % len(files)]
        yield file, target / file.parent.name / f"{file.parent.name}_{number}.tif"


def ssl4eo(target: Path, count: int) -> Iterator[tuple[Path, Path]]:
    (patch,) = (DATA / "SSL4EO-S12" / "s2c").glob("*/*")
    for number in range(count):
        for file in patch.iterdir():
            yield file, target / f"{number:07d}" / patch.name / file.name


def made(maker, count: int) -> Path:  # type: ignore[no-untyped-def]
    """Each file written out in full; an archive that is there already is used again."""
    place = PLACE / f"{maker.__name__}-{count}"
    if not (place / ".whole").exists():
        shutil.rmtree(place, ignore_errors=True)
        for source, target in maker(place / "archive", count):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        (place / ".whole").touch()
    return place / "archive"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    size = lambda most: int(most * arguments.share)  # noqa: E731
    archives = {
        "bigearthnet-s2": make_archive(PLACE / f"{size(S2_PATCHES)}-patches", size(S2_PATCHES)),
        "bigearthnet-s1": made(sentinel_1, size(S1_PATCHES)),
        "eurosat-ms": made(eurosat, size(EUROSAT_FILES)),
        "ssl4eo-s12-s2c": made(ssl4eo, size(SSL4EO_PATCHES)),
    }
    files = {name: sorted(map(str, path.rglob("*.tif"))) for name, path in archives.items()}
    total = {name: sum(Path(file).stat().st_size for file in of) for name, of in files.items()}
    few = made(sentinel_1, 193)  # so many that both processes are started
    times: dict[str, list[float]] = {name: [] for name in archives}
    loops: dict[str, list[float]] = {name: [] for name in archives}
    peaks = {}
    for number in range(arguments.rounds + 1):
        start = seconds(lambda: benkit_scan(few))
        start_of_loop = seconds(lambda: rasterio_with_processes(files["eurosat-ms"][:2]))
        for name, path in archives.items():
            with peak_memory() as peak:
                spent = seconds(lambda path=path: benkit_scan(path))
            peaks[name] = peak[0]
            if number:
                times[name].append(spent - start)
                part = files[name][: len(files[name]) // 4]
                loop = seconds(lambda part=part: rasterio_with_processes(part)) - start_of_loop
                loops[name].append(loop * len(files[name]) / len(part))
    per_byte = {name: statistics.median(times[name]) / total[name] * 1e9 for name in archives}
    for name in archives:
        ours, todays = statistics.median(times[name]), statistics.median(loops[name])
        number = len(files[name])
        say(f"{name}: {number:,} files, benkit scan, per file", f"{ours / number * 1e6:.0f} us")
        say(f"{name}: against the rasterio loop", f"{todays / ours:.1f} x as fast", "20")
        ratio = per_byte[name] / per_byte["bigearthnet-s2"]
        say(f"{name}: time per byte beside bigearthnet-s2", f"{ratio:.2f} x", "1.2 for s1")
        say(f"{name}: peak memory of all processes", f"{peaks[name]} MB")


if __name__ == "__main__":
    main()
