"""Kill verbs (SIGKILL) and look at what is left.

    .venv/bin/python -m tests.faults.kills [--kills 200] [--seed 1] [--verbs scan,split] [--steps 1]

Each verb is killed at random moments, and then at every step that it takes in its folder (or at every
N-th: ``--steps N``; 0: none). Half the time there was an output of an earlier run. After each kill the
output must be absent, the earlier one, or that of an undisturbed run, byte for byte; files that move
into a folder one by one may be some of each. No process may be left after some seconds; a second run
must give the output of an undisturbed run and leave nothing else behind. Exit status 1 if any of that
did not hold.

The runs are forks of this process, which has loaded what they need, so that most kills meet real work.
"""

import argparse
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benkit.cli import main as benkit_main
from benkit.inventory.table.parts import files_of_inventory, holds_parts

STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
"""Audit events that count as steps; of files that are opened, those in the folder of the run."""

KINDS = ("absent", "earlier", "new")
PARTS = "inventory"
SOME_OF_EACH = "some of each"
_MARK = "BENKIT_KILLED_RUN"
_PATIENCE = 5.0


@dataclass(frozen=True)
class Case:
    """A verb to be killed.

    Attributes
    ----------
    argv, earlier : list of str
        The call, and the one that wrote the earlier output.
    output : str
        Name of its output in the folder of the run.
    beside : set of str
        What may lie beside the output.
    kept : str
        Name of a file that lies in the earlier output without being of it, and must stay: the output
        is a folder into which files move one by one.
    """

    argv: list[str]
    earlier: list[str]
    output: str
    beside: frozenset[str] = frozenset()
    kept: str = ""


def cases_of(ground: Path) -> dict[str, Case]:
    """The six verbs, and packs, on inputs that are made here."""
    for name, seed in (("sample", 1), ("other", 2)):
        assert run(ground, ["sample", name, "--patches", "100", "--seed", str(seed)]) == 0
    make_raster(ground / "raster.tif", 1), make_raster(ground / "older" / "raster.tif", 2)
    archive = f"{ground}/sample/BigEarthNet-v2.0-S2-with-errors"
    other = archive.replace("/sample/", "/other/")
    metadata, maps = f"{ground}/sample/metadata.parquet", f"{ground}/sample/geoparquets"
    scan = ["--output", "inventory.parquet", "--workers", "1"]
    parts = ["--output", PARTS, "--workers", "1"]
    split = ["split", metadata, "--output", "split.csv", "--seed"]
    retile = ["--output", "parts", "--tile-size", "120", "--overwrite"]
    labels = ["labels", maps, "--output", "labels.parquet", "--workers", "1"]
    report = ["report", archive, "--metadata", metadata, "--output", "r.html", "--workers", "1"]
    assert run(ground, ["scan", archive, "--output", "inventory.parquet", "--workers", "1"]) == 0
    export = ["export", f"{ground}/inventory.parquet", "--output", "clean", "--overwrite"]
    export += ["--metadata", metadata, "--sample", "12", "--seed"]
    found = f"{ground}/found.csv"
    assert run(
        ground, ["audit", "inventory.parquet", "--metadata", metadata, "--findings", found]
    ) in (0, 1)
    pack = [
        "export",
        f"{ground}/inventory.parquet",
        "--output",
        "pack",
        "--overwrite",
        "--sample",
        "12",
    ]
    pack += ["--exclude", found, "--metadata", metadata, "--workers", "1", "--format"]
    return {
        "scan": Case(
            ["scan", archive, *scan],
            ["scan", other, *scan],
            "inventory.parquet",
            frozenset({".inventory.parquet.scan"}),
        ),
        "parts": Case(
            ["scan", archive, *parts],
            ["scan", other, *parts],
            PARTS,
            frozenset({f".{PARTS}.scan"}),
        ),
        "split": Case([*split, "1"], [*split, "2"], "split.csv"),
        "retile": Case(
            ["retile", f"{ground}/raster.tif", *retile],
            ["retile", f"{ground}/older/raster.tif", *retile],
            "parts",
            kept="notes.txt",
        ),
        "labels": Case(labels, [*labels, "--min-share", "0.3"], "labels.parquet"),
        "export": Case([*export, "1"], [*export, "2"], "clean"),
        **{
            kind: Case([*pack, kind, "--seed", "1"], [*pack, kind, "--seed", "2"], "pack")
            for kind in ("arrow", "lmdb")
        },
        "report": Case(report, [*report, "--reference-maps", maps], "r.html"),
    }


def make_raster(path: Path, seed: int) -> None:
    """A plain GeoTIFF of 1200 x 1200 pixels."""
    import numpy as np
    import rasterio

    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 9000, (1, 1200, 1200), np.uint16)
    profile = {"driver": "GTiff", "height": 1200, "width": 1200, "count": 1, "dtype": "uint16"}
    profile |= {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 3e5, 0, -10, 5e6)}
    with rasterio.open(path, "w", **profile, nodata=0) as target:
        target.write(pixels)


def start(folder: Path, argv: list[str], prepare: Callable[[], None] = lambda: None) -> int:
    """Start a verb in a process of its own; returns its id."""
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        os.setsid()
        os.chdir(folder)
        with Path(folder / ".." / "said").open("w") as said:
            os.dup2(said.fileno(), 1), os.dup2(said.fileno(), 2)
        (folder / "tmp").mkdir(exist_ok=True)
        tempfile.tempdir = str(folder / "tmp")
        os.environ |= {_MARK: str(folder), "SOURCE_DATE_EPOCH": "1500000000"}
        sys.argv = ["benkit", *argv]
        prepare()
        status = benkit_main(argv)
    finally:
        os._exit(status)


def end_of(process: int) -> int:
    """Exit status of a process; minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run(folder: Path, argv: list[str]) -> int:
    """Run a verb to its end."""
    return end_of(start(folder, argv))


def killed_at(folder: Path, argv: list[str], seconds: float) -> int:
    """Kill a verb after some time; returns how it ended."""
    process = start(folder, argv)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return end_of(process)


def killed_at_step(folder: Path, argv: list[str], step: int) -> int:
    """Let a verb kill itself at one of its steps in the folder; returns how it ended."""

    def prepare() -> None:
        left = iter(range(step))

        def hook(event: str, values: tuple) -> None:
            counts = event in STEPS and (event != "open" or str(folder) in str(values[0]))
            if counts and next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return end_of(start(folder, argv, prepare))


def content_of(path: Path, but: str = "") -> dict[str, str] | None:
    """Digests of a file, or of all files but one in a folder; None if there is nothing.

    Of an inventory in parts these are the files that are it; what a kill has left beside them is not.
    """
    if not path.exists() or (path.name == PARTS and not holds_parts(path)):
        return None
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    files = [*files_of_inventory(path)] if path.name == PARTS else files
    files = [file for file in files if file.name != but]
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def kind_of(content: dict[str, str] | None, earlier: dict | None, new: dict) -> str:
    """What an output is: one of `KINDS`, `SOME_OF_EACH`, or ``wrong``."""
    if content is None:
        return "absent"
    seen = {name: digest for name, digest in content.items() if ".part/" not in name}
    if seen in (earlier, new):
        return "new" if seen == new else "earlier"
    each_whole = all(seen[name] in ((earlier or {}).get(name), new.get(name)) for name in seen)
    return SOME_OF_EACH if earlier and seen.keys() == new.keys() and each_whole else "wrong"


def processes_left(folder: Path) -> list[int]:
    """Processes that were started by a run in the folder and go on."""
    mark = f"{_MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return [process for process in found if process != os.getpid()]


class Trial:
    """Kills of one verb."""

    def __init__(self, case: Case, ground: Path) -> None:
        self.case = case
        self.found: dict[str, Counter[str]] = {"moments": Counter(), "steps": Counter()}
        self.faults: list[str] = []
        self._folder = ground / "run"
        self._new, self.seconds = self._undisturbed(case.argv)
        self._earlier, _ = self._undisturbed(case.earlier)
        assert self._earlier != self._new, "the two runs can be told apart"
        self._before = ground / "before"
        if case.kept:
            (self._folder / case.output / case.kept).write_text("mine")
        shutil.rmtree(self._before, ignore_errors=True)
        shutil.copytree(self._folder, self._before)

    def _undisturbed(self, argv: list[str]) -> tuple[dict[str, str], float]:
        self._fresh()
        begin = time.monotonic()
        status = run(self._folder, argv)
        said = (self._folder.parent / "said").read_text()
        assert status == 0, said
        content = content_of(self._folder / self.case.output, self.case.kept)
        assert content
        return content, time.monotonic() - begin

    def _fresh(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()

    def kill(self, when: str, how: Callable[[Path, list[str]], int], earlier: bool) -> bool:
        """Kill a run and look at what is left; returns whether it was still running."""
        self._fresh()
        if earlier:
            shutil.copytree(self._before, self._folder, dirs_exist_ok=True)
        ended = how(self._folder, self.case.argv)
        content = content_of(self._folder / self.case.output, self.case.kept)
        kind = kind_of(content, self._earlier if earlier else None, self._new)
        self.found[when][kind] += 1
        allowed = (*KINDS, SOME_OF_EACH) if self.case.kept else KINDS
        self._demand(kind in allowed, "the output is something else", content)
        self._demand_kept(earlier)
        self._demand(ended in (0, -signal.SIGKILL), "the run failed", ended)
        patience = time.monotonic() + _PATIENCE
        while (left := processes_left(self._folder)) and time.monotonic() < patience:
            time.sleep(0.02)
        self._demand(not left, "processes are left", left)
        if ended != 0:
            status = run(self._folder, self.case.argv)
            said = (self._folder.parent / "said").read_text()
            self._demand(status == 0, "the second run failed", said)
        content = content_of(self._folder / self.case.output, self.case.kept)
        self._demand(content == self._new, "a whole run wrote something else", content)
        output = self._folder / self.case.output
        files = {str(one.relative_to(output)) for one in output.rglob("*") if one.is_file()}
        more = files - {*self._new, self.case.kept}
        self._demand(not more, "files are left in the output", more)
        self._demand_kept(earlier)
        there = set(os.listdir(self._folder)) - {self.case.output, "tmp"}
        self._demand(there <= self.case.beside, "files are left", there)
        for name in ("tmp", *self.case.beside):
            more = set(os.listdir(self._folder / name)) - {"patches.parquet"}
            self._demand(not more, f"files are left in {name}", more)
        return ended != 0

    def _demand_kept(self, earlier: bool) -> None:
        kept = self._folder / self.case.output / self.case.kept
        mine = not (earlier and self.case.kept) or (kept.is_file() and kept.read_text() == "mine")
        self._demand(mine, "a file of others is gone", kept)

    def _demand(self, holds: bool, fault: str, what: object) -> None:
        if not holds:
            self.faults.append(f"{fault}: {what}")


def try_verb(case: Case, ground: Path, kills: int, steps: int, seed: int) -> dict[str, object]:
    """Kill one verb at random moments and at its steps; returns what was seen, as counts."""
    trial, chance = Trial(case, ground), random.Random(seed)
    running = at_steps = 0
    for number in range(kills):
        how = partial(killed_at, seconds=chance.uniform(0, trial.seconds * 1.1))
        running += trial.kill("moments", how, earlier=number % 2 == 1)
    for earlier in (False, True) if steps else ():
        step = 0
        while trial.kill("steps", partial(killed_at_step, step=step), earlier):
            at_steps += 1
            step += steps
    return {
        "seconds undisturbed": round(trial.seconds, 2),
        "kills at random moments": kills,
        "of them before the end": running,
        "kills at steps": at_steps,
        "outputs afterwards": {when: dict(found) for when, found in trial.found.items()},
        "faults": trial.faults,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--verbs", default="scan,parts,split,retile,labels,export,arrow,lmdb,report"
    )
    options = parser.parse_args()
    for name in (
        "inventory.audit",
        "inventory.scanning.scan",
        "api.export",
        "reference_maps.labels",
        "retiling.retile",
        "splits.make",
        "splits.evaluate",
        "samples.sample",
        "reporting.page.report",
    ):
        importlib.import_module(f"benkit.{name}")
    for name in ("rasterio", "duckdb", "polars", "shapely", "lmdb", "safetensors.numpy"):
        importlib.import_module(name)
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    results = {}
    with tempfile.TemporaryDirectory(prefix="kills-", dir=parent) as folder:
        ground = Path(folder) / "ground"
        ground.mkdir()
        cases = cases_of(ground)
        for verb in options.verbs.split(","):
            begin = time.monotonic()
            results[verb] = try_verb(
                cases[verb], ground, options.kills, options.steps, options.seed
            )
            print(f"{verb}: {time.monotonic() - begin:.0f} s, {results[verb]}", file=sys.stderr)
    print(json.dumps(results, indent=1))
    return 1 if any(result["faults"] for result in results.values()) else 0


if __name__ == "__main__":
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    sys.exit(main())
