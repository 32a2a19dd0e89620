"""One job of the fuzzer: make damaged files, read each, and scan all of them as an archive."""

import json
import os
import random
import re
import resource
import shutil
import time
from collections import Counter
from pathlib import Path

from benkit.archive.listing import PatchFolder
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.inventory.scanning.chunk import scan_patches
from benkit.tiff.read import gdal_session
from tests.conftest import ROOT
from tests.fuzz.oracle import Verdict, judge, read, row_of, same
from tests.fuzz.seeds import made_files, real_files
from tests.fuzz.tiff_mutations import mutate

__all__ = ["FAILURES", "LATEST", "Failures", "fuzz", "run_job"]

FAILURES = ROOT / "untracked-files" / "fuzz"
LATEST = "latest"  # file in a job's folder: the path of the file that it reads
SECONDS = 1.0
MEGABYTES = 256
PATCHES_PER_SCAN = 20
PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
KEPT = 200  # changed files that read in a new way, from which further ones are made


class Failures:
    """Files that failed, kept beside each other, and why."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reasons: list[str] = []

    def add(self, name: str, path: Path, reason: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, self.folder / f"{name}.tif")
        self.reasons.append(f"{name}: {reason}")


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def settled_megabytes() -> float:
    """What the process has now; an earlier peak far above it is forgotten, where the system can."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    now = pages * resource.getpagesize() / 2**20
    if peak_megabytes() - now > MEGABYTES / 4:
        Path("/proc/self/clear_refs").write_text("5")
    return now


def fuzz(seeds: list[bytes], files: int, job: str, folder: Path, failures: Failures) -> Counter:
    """Make and judge the files of one job; returns how many had which outcome."""
    chance = random.Random(job)
    pool = list(seeds)
    outcomes: Counter[str] = Counter()
    seen: set[str] = set()
    for first in range(0, files, PATCHES_PER_SCAN * len(BIGEARTHNET_S2.band_names)):
        archive = folder / str(first)
        places, verdicts = [], []
        for number in range(
            first, min(files, first + PATCHES_PER_SCAN * len(BIGEARTHNET_S2.band_names))
        ):
            place = place_of(number - first)
            path = archive / PRODUCT / place[0] / BIGEARTHNET_S2.band_file(*place)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = mutate(chance.choice(pool), seeds, chance)
            path.write_bytes(content)
            (folder / LATEST).write_text(str(path))
            verdict = judged(path, f"{job}-{number}", failures)
            outcomes[verdict.outcome] += 1
            sort = re.sub(r"[\d,]+", "", f"{verdict.outcome} {verdict.reason}")[:60]
            if sort not in seen and len(pool) < len(seeds) + KEPT:
                seen.add(sort)
                pool.append(content)
            places.append(place)
            verdicts.append(verdict)
        hold_scan_against(archive, places, verdicts, f"{job}-{first}", failures)
        shutil.rmtree(archive)
    return outcomes


def place_of(number: int) -> tuple[str, str]:
    """Patch and band of a file in its archive."""
    patch, band = divmod(number, len(BIGEARTHNET_S2.band_names))
    return f"{PRODUCT}_{patch:02d}_00", BIGEARTHNET_S2.band_names[band]


def judged(path: Path, name: str, failures: Failures) -> Verdict:
    """Read a file, and see what it costs."""
    before, start = settled_megabytes(), time.process_time()
    try:
        found = read(path)
    except Exception as error:  # nothing but a BenkitError may come out
        failures.add(name, path, f"{type(error).__name__}: {error}")
        return Verdict("wrong", None, str(error))
    seconds, megabytes = time.process_time() - start, peak_megabytes() - before
    if seconds > SECONDS:
        failures.add(name, path, f"took {seconds:.1f} s")
    if megabytes > MEGABYTES:
        failures.add(name, path, f"took {megabytes:.0f} MB")
    verdict = judge(path, found)
    if verdict.outcome == "wrong":
        failures.add(name, path, verdict.reason)
    return verdict


def hold_scan_against(
    archive: Path, places: list[tuple[str, str]], verdicts: list[Verdict], name: str,
    failures: Failures,
) -> None:  # fmt: skip
    """Scan the files, and hold every row against what was read before."""
    before = settled_megabytes()
    patches = [PatchFolder(PRODUCT, patch) for patch in dict.fromkeys(p for p, _ in places)]
    rows = {
        (row["patch_id"], row["band"]): row for row in scan_patches(archive, patches).to_pylist()
    }
    megabytes = peak_megabytes() - before
    if megabytes > MEGABYTES:
        failures.reasons.append(f"{name}: the scan took {megabytes:.0f} MB")
    for place, verdict in zip(places, verdicts, strict=True):
        path = archive / PRODUCT / place[0] / BIGEARTHNET_S2.band_file(*place)
        expected, row = row_of(verdict), rows[place]
        expected |= {"bytes": path.stat().st_size}
        wrong = [key for key, value in expected.items() if not same(row[key], value)]
        if wrong:
            said = ", ".join(f"{key} {row[key]} for {expected[key]}" for key in wrong)
            failures.add(f"scan-{name}-{'-'.join(place)}", path, f"the scan says {said}")


def run_job(job: int, seed: int, files: int, folder: Path) -> None:
    """One job in a process of its own; what it finds goes into a file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain there
    data = ROOT / ".." / "shared" / "data"
    seeds = made_files() + (list(real_files(data)) if data.is_dir() else [])
    failures = Failures(FAILURES)
    with gdal_session():
        outcomes = fuzz(seeds, files, f"{seed}.{job}", folder, failures)
    (folder / "done.json").write_text(json.dumps([outcomes, failures.reasons]))
