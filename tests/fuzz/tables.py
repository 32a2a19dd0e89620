"""Ask verbs about thousands of damaged tables and reference maps.

    PYTHONPATH=. .venv/bin/python -m tests.fuzz.tables [--files N] [--seed N]

Some bytes of metadata, an inventory and a reference map are changed at random, half of them in the
footer, and verbs are asked about each in a process of its own. A file fails that ends the interpreter,
gives a traceback, is refused in more or less than one line, takes ten seconds of the processor or needs
512 MB beyond what the process had; it is kept below `untracked-files/fuzz/`. The same seed makes the
same files. Exit status: 1 if one failed.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
from collections import Counter
from importlib import import_module
from pathlib import Path

import duckdb  # noqa: F401
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from benkit.cli import main as benkit
from benkit.engine import Engine
from benkit.files.tables.geoparquet import encode_geoparquet
from benkit.inventory.scanning.scan import scan
from tests.conftest import ROOT
from tests.making import PRODUCT, Archive

FAILURES = ROOT / "untracked-files" / "fuzz"
SECONDS, MEGABYTES = 10, 512
REFUSED, WRONG_LINES, TRACEBACK, TOO_MUCH_MEMORY = 2, 3, 4, 5  # statuses of the processes
USED = (
    "metadata.summary",
    "splits.evaluate",
    "inventory.statistics",
    "inventory.audit",
    "reference_maps.land_cover",
    "reference_maps.map_overlaps",
)
FOOTER = 8  # bytes behind the footer
VALUES = (0x00, 0x7F, 0x80, 0xFF)
PATCHES = [f"{PRODUCT}_00_0{row}" for row in range(9)]


def sound_files(folder: Path) -> dict[str, tuple[Path, list[list[str]]]]:
    """By kind the file that is changed, and the calls about it."""
    archive = Archive(folder / "archive")
    for patch in PATCHES:
        archive.patch(patch)
    metadata, inventory = folder / "metadata.parquet", folder / "inventory.parquet"
    labels = [["Pastures"], ["Arable land", "Pastures"], []] * 3
    split = ["train", "test", None] * 3
    columns = {"patch_id": PATCHES, "labels": labels, "split": split, "country": ["A"] * 9}
    pq.write_table(pa.table(columns), metadata, compression="zstd")
    pq.write_table(pa.table(columns), folder / "sound.parquet")
    scan(archive.root, inventory, engine=Engine(workers=1))
    (folder / "maps").mkdir()
    cells = [shapely.box(300000 + x, 5390000, 300100 + x, 5391200).wkb for x in range(0, 1200, 100)]
    table = pa.table({"DN": [312, 111, 231] * 4, "geometry": cells})
    reference_map = folder / "maps" / f"{PATCHES[0]}_reference_map.parquet"
    reference_map.write_bytes(encode_geoparquet(table, epsg=32633))
    maps = str(reference_map.parent)
    return {
        "metadata": (metadata, [["summary", str(metadata)], ["evaluate", str(metadata)]]),
        "inventory": (
            inventory,
            [
                ["stats", str(inventory)],
                ["audit", str(inventory), "--metadata", str(folder / "sound.parquet")],
            ],
        ),
        "reference map": (reference_map, [["labels", maps, "--no-progress"], ["overlaps", maps]]),
    }


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The same with some bytes changed."""
    changed = bytearray(content)
    length = int.from_bytes(content[-8:-4], "little")
    first = len(content) - FOOTER - length if chance.random() < 0.5 else 4
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(first, len(content))
        flipped = changed[place] ^ 1 << chance.randrange(8)
        changed[place] = chance.choice((*VALUES, flipped, chance.randrange(256)))
    return bytes(changed)


def outcome(calls: list[list[str]], said: Path) -> str:
    """What verbs make of a file, in a process of its own: an answer, an error, or what failed."""
    process = os.fork()
    if process == 0:
        _child(calls, said)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status < 0:
        return f"FAILED: ended by signal {-status}"
    if status == TOO_MUCH_MEMORY:
        return "FAILED: too much memory"
    if status in (WRONG_LINES, TRACEBACK):
        lines = said.read_text("utf-8", "backslashreplace").splitlines()
        return f"FAILED: {lines[-1] if lines else 'no line'}"
    return "an error" if status == REFUSED else "an answer"


def _child(calls: list[list[str]], said: Path) -> None:
    """Ask, and leave with the highest status of the calls, or with what failed."""
    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(out, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = 0
    try:
        for call in calls:
            os.ftruncate(out, 0)
            os.lseek(out, 0, os.SEEK_SET)
            answer = benkit(call)
            status = max(status, answer)
            sys.stderr.flush()
            if answer == REFUSED and len(said.read_bytes().splitlines()) != 1:
                os._exit(WRONG_LINES)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(TRACEBACK)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    os._exit(TOO_MUCH_MEMORY if grown > MEGABYTES * 1024 else status)


def run(files: int, seed: int) -> dict[str, Counter[str]]:
    """Damage and ask; outcomes by kind of file."""
    for name in USED:  # once for all processes
        import_module(f"benkit.{name}")
    found: dict[str, Counter[str]] = {}
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        sound = sound_files(Path(name))
        content = {kind: path.read_bytes() for kind, (path, _) in sound.items()}
        for kind, (_, calls) in sound.items():
            assert outcome(calls, Path(name, "said")) == "an answer", (
                f"the sound {kind} is answered"
            )
        for number in range(files):
            for kind, (path, calls) in sound.items():
                path.write_bytes(damaged(content[kind], chance))
                what = outcome(calls, Path(name, "said"))
                found.setdefault(kind, Counter())[what] += 1
                if what.startswith("FAILED"):
                    FAILURES.mkdir(parents=True, exist_ok=True)
                    kept = FAILURES / f"{kind.replace(' ', '-')}-{seed}-{number}.parquet"
                    kept.write_bytes(path.read_bytes())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", type=int, default=3000, help="of each kind; default %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = run(arguments.files, arguments.seed)
    for kind, outcomes in found.items():
        print(
            f"{kind}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(outcomes.items()))
        )
    return int(any(what.startswith("FAILED") for outcomes in found.values() for what in outcomes))


if __name__ == "__main__":
    sys.exit(main())
