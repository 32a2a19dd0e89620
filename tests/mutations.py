"""Change one line of the code in five places, one at a time, and show which test falls.

    .venv/bin/python tests/mutations.py [--json]

Every change is made in a temporary copy, and the tests that sit beside the changed module run there.
A change that no test notices makes the exit status 1: then a test is missing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutation:
    """One changed line, and the tests that ought to notice."""

    module: str
    line: str
    changed: str
    tests: str


@dataclass(frozen=True)
class Outcome:
    """What the tests said: which fell, the error of the first, and the example that showed it."""

    fell: list[str]
    passed: int
    error: str
    example: str


MUTATIONS = [
    Mutation(
        "benkit/domain/seasons.py",
        "return SEASONS[(month - 3) % 12 // 3]",
        "return SEASONS[(month - 2) % 12 // 3]",
        "tests/domain/test_patch_names.py",
    ),
    Mutation(
        "benkit/domain/tiles.py",
        "west=easting // _PIXEL_GRID * _PIXEL_GRID,",
        "west=easting,",
        "tests/domain/test_tiles.py",
    ),
    Mutation(
        "benkit/inventory/scanning/moments.py",
        "return total, (squares << 32) + (products << 17) + int(_dot(low, low))",
        "return total, (squares << 32) + (products << 16) + int(_dot(low, low))",
        "tests/inventory/test_moments.py",
    ),
    Mutation(
        "benkit/retiling/retile.py",
        "edges = [i * (length - overlap) // count for i in range(count + 1)]",
        "edges = [i * ((length - overlap) // count) for i in range(count + 1)]",
        "tests/retiling/test_retile.py",
    ),
    Mutation(
        "benkit/ground/grid.py",
        "np.abs(y[first] - y[second])) < reach",
        "np.abs(y[first] - y[second])) <= reach",
        "tests/ground/test_overlaps.py",
    ),
]


def main() -> int:
    """Try every change and print what fell."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copy = copy_of_the_code(Path(folder))
        outcomes = [try_out(mutation, copy) for mutation in MUTATIONS]
    if "--json" in sys.argv:
        told = [
            asdict(mutation) | asdict(outcome)
            for mutation, outcome in zip(MUTATIONS, outcomes, strict=True)
        ]
        print(json.dumps(told, indent=2))
    else:
        for mutation, outcome in zip(MUTATIONS, outcomes, strict=True):
            print(report(mutation, outcome))
    return 0 if all(outcome.fell for outcome in outcomes) else 1


def copy_of_the_code(folder: Path) -> Path:
    """Copy what the tests need below a folder, with the shared data beside it."""
    copy = folder / "benkit"
    leave_out = shutil.ignore_patterns("__pycache__")
    for name in ("benkit", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copy(ROOT / "main.py", copy)
    shared = (ROOT / ".." / "shared").resolve()
    if shared.is_dir():
        (folder / "shared").symlink_to(shared)
    return copy


def try_out(mutation: Mutation, copy: Path) -> Outcome:
    """Run the tests with the line changed, and put it back."""
    module = copy / mutation.module
    original = module.read_text("utf-8")
    assert original.count(mutation.line) == 1, f"{mutation.module} has changed: {mutation.line}"
    module.write_text(original.replace(mutation.line, mutation.changed), "utf-8")
    command = [sys.executable, "-m", "pytest", "--tb=short", "-rf", mutation.tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"}
    environment.pop("PYTHONPATH", None)
    said = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    module.write_text(original, "utf-8")
    assert said.returncode in (0, 1), said.stdout + said.stderr
    return outcome_of(said.stdout)


def outcome_of(said: str) -> Outcome:
    """Read what pytest has printed."""
    fell = re.findall(r"^FAILED \S+?::(\S+)", said, re.MULTILINE)
    errors = re.findall(r"^E +((?:\w+\.)*\w*Error\b.*)", said, re.MULTILINE)
    example = re.search(r"^E +Failing test case: .*\n(?:E .*\n)+", said, re.MULTILINE)
    passed = re.search(r"^[.Fs]+", said, re.MULTILINE)
    return Outcome(
        fell=fell,
        passed=passed[0].count(".") if passed else 0,
        error=errors[0] if errors else "",
        example=arguments_of(example[0]) if example else "",
    )


def arguments_of(example: str) -> str:
    """The arguments with which Hypothesis made a test fall, on one line."""
    told = example.partition("Explanation:")[0].splitlines()[1:]
    lines = [re.sub(r"(^|  )#.*", "", line.removeprefix("E").strip()) for line in told]
    inside, _, drawn = "".join(f"{line.strip()} " for line in lines if line).partition(") ")
    return f"{inside.strip().rstrip(',')} {drawn.strip()}".strip()


def report(mutation: Mutation, outcome: Outcome) -> str:
    """What people read."""
    lines = [mutation.module, f"  - {mutation.line}", f"  + {mutation.changed}"]
    lines += [f"  fell: {name}" for name in outcome.fell] or ["  no test fell"]
    lines += [f"  {text}" for text in (outcome.error, outcome.example) if text]
    lines.append(f"  {outcome.passed} other tests of {mutation.tests} passed")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
