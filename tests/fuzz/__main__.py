"""Read hundreds of thousands of damaged GeoTIFFs and hold each against rasterio.

    PYTHONPATH=. .venv/bin/python -m tests.fuzz [--files N] [--seed N] [--job N]

Every job starts from sound files, changes them at random, reads each with `read_raster` and with
rasterio, and scans all of them as an archive. A file fails that ends the interpreter, takes a second
of the processor, needs 256 MB beyond what the process had, or reads otherwise than with rasterio; it
is kept below `untracked-files/fuzz/`. The same seed makes the same files. Exit status: 1 if one failed.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.fuzz.job import FAILURES, LATEST, Failures, run_job

FILES_PER_JOB = 2400
GIVE_UP_SECONDS = 60.0  # without a new file


@dataclass
class Findings:
    """How many files had which outcome, and why which ones failed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Failures = field(default_factory=lambda: Failures(FAILURES))

    def add(self, job: int, folder: Path, exit_code: int | None) -> None:
        """Take over what a job has left in its folder."""
        if (folder / "done.json").exists():
            outcomes, reasons = json.loads((folder / "done.json").read_text())
            self.outcomes.update(outcomes)
            self.failures.reasons += reasons
            return
        reason = f"the process ended with {exit_code}"
        latest = folder / LATEST
        path = Path(latest.read_text()) if latest.exists() else latest
        if path.exists():
            self.failures.add(f"{job}-dead", path, reason)
        else:
            self.failures.reasons.append(f"{job}: {reason}, {path.name}")


def run_jobs(jobs: list[int], seed: int, workers: int) -> Findings:
    """Run the jobs, each in a process of its own, some at a time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fuzz.job"])
    findings = Findings()
    running: dict[int, tuple[ForkServerProcess, Path]] = {}
    waiting = list(jobs)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory_folder()) as scratch:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop(0)
                folder = Path(scratch, str(job))
                folder.mkdir()
                process = context.Process(target=run_job, args=(job, seed, FILES_PER_JOB, folder))
                process.start()
                running[job] = process, folder
            time.sleep(0.2)
            for job, (process, folder) in list(running.items()):
                if hangs(folder):
                    process.kill()
                    process.join()
                if not process.is_alive():
                    findings.add(job, folder, process.exitcode)
                    shutil.rmtree(folder)
                    del running[job]
    return findings


def hangs(folder: Path) -> bool:
    """Whether a job has not come to another file for long."""
    latest = folder / LATEST
    return latest.exists() and time.time() - latest.stat().st_mtime > GIVE_UP_SECONDS


def memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> int:
    """Run all jobs, or one of them, and print what came of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--job", type=int, help="only this job, to see its failures again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    jobs = list(range(-(-arguments.files // FILES_PER_JOB)))
    if arguments.job is not None:
        jobs = [arguments.job]
    start = time.monotonic()
    findings = run_jobs(jobs, arguments.seed, arguments.workers)
    seconds = time.monotonic() - start
    total, reasons = findings.outcomes.total(), findings.failures.reasons
    print(f"seed {arguments.seed}: {total:,} files in {seconds:,.0f} s")
    for outcome, count in findings.outcomes.most_common():
        print(f"  {count:>9,}  {outcome}")
    print(f"failures: {len(reasons)}")
    for reason in reasons:
        print(f"  {reason}")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
