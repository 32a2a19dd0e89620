"""What limits a scan of a billion rows: seconds a row, cost of a chunk on Ray, memory of the listing.

    PYTHONPATH=. .venv/bin/python benchmarks/scan_at_scale.py [--patches 2000 12000] [--rounds 3]

The archive is that of `scan.py`, the page cache warm, two workers. All is taken from the difference of
two sizes, so that starting up does not count. Two cores measure no cluster: what Ray costs there follows
from cost a row and a chunk, as docs/scale.md reckons.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from scan import PLACE, ROOT, benkit_scan, make_archive, rounds_of, say

from benkit.domain.layouts import BANDS, BIGEARTHNET_S2
from benkit.inventory.scanning.chunk import patches_per_chunk

LISTED = (20_000, 100_000)  # patches


def slope(values: tuple[float, float], sizes: tuple[int, int]) -> float:
    """How much more a patch costs."""
    return (values[1] - values[0]) / (sizes[1] - sizes[0])


def scans(sizes: tuple[int, int], rounds: int) -> None:
    """Seconds a million rows on local processes and on Ray, and what a chunk costs more there."""
    chunk, rows = patches_per_chunk(BIGEARTHNET_S2), len(BANDS)
    archives = [make_archive(PLACE / f"scan-{size}", size) for size in sizes]
    actions = {
        f"{engine} {size}": partial(benkit_scan, archive, "--engine", engine)
        for engine in ("processes", "ray")
        for archive, size in zip(archives, sizes, strict=True)
    }
    times = rounds_of(rounds, actions)
    a_patch = {}
    for engine in "processes", "ray":
        first, last = (times[f"{engine} {size}"] for size in sizes)
        a_patch[engine] = slope((first, last), sizes)
        say(f"{engine}: a million rows", f"{a_patch[engine] / rows * 1e6:.1f} s")
        say(f"{engine}: start", f"{first - a_patch[engine] * sizes[0]:.1f} s")
    more = (a_patch["ray"] - a_patch["processes"]) * chunk
    say(f"Ray: a chunk of {chunk} patches takes longer by", f"{more * 1e3:.1f} ms")


def listing() -> None:
    """Seconds and bytes a patch of listing an archive, from folders without files."""
    found: list[tuple[float, float]] = []
    for size in LISTED:
        with tempfile.TemporaryDirectory(dir=PLACE) as folder:
            for number in range(size):
                product, place = divmod(number, 5_000)
                name = f"S2A_MSIL2A_20170613T101031_N9999_R022_T33U{chr(65 + product)}P"
                Path(folder, name, f"{name}_{place // 91:02d}_{place % 91:02d}").mkdir(parents=True)
            command = [sys.executable, __file__, "--list", folder]
            said = subprocess.check_output(command, cwd=ROOT, text=True)
        found.append(tuple(map(float, said.split())))  # type: ignore[arg-type]
    (first, least), (last, most) = found
    say("listing: a million patches", f"{slope((first, last), LISTED) * 1e6:.1f} s")
    say("listing: memory of a million patches", f"{slope((least, most), LISTED) * 1e6:.0f} MB")


def list_one(folder: Path) -> None:
    import time

    from benkit.archive.listing import list_archive

    start = time.perf_counter()
    found = list_archive(folder)
    spent = time.perf_counter() - start
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert len(found.patches) in LISTED
    print(spent, int(peak) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, nargs=2, default=[2_000, 12_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--list", type=Path, help=argparse.SUPPRESS)
    options: Any = parser.parse_args()
    if options.list:
        list_one(options.list)
        return
    PLACE.mkdir(parents=True, exist_ok=True)
    listing()
    scans(tuple(options.patches), options.rounds)


if __name__ == "__main__":
    main()
