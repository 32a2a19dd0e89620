"""Run every command that the talk on testing shows, and keep what it printed.

    .venv/bin/python -m course.testing_facts

Writes its section of ``course/facts.json``. Of the outputs only paths of this machine are shortened.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from course.facts_file import TESTING, write_section
from tests.mutations import MUTATIONS, copy_of_the_code

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = ROOT / "untracked-files" / "facts" / "testing"
RED = "Red: a test that patches which touch share no ground"
GREEN = "Green: patches share ground where their interiors meet"
TEST_FIRST = "course/touching.py"

SEASON = "from benkit.domain.seasons import season_of_month\n\n"
TYPED = {
    "wrong_type.py": f'{SEASON}season_of_month("3")\n',
    "truth.py": f"{SEASON}season_of_month(True)\n",
    "swapped.py": "from benkit.domain.patch_names import Footprint\n\n"
    "Footprint(epsg=32635, x=6065220, y=339600)\n",
}
# benkit as mypy sees an installed library: its types count, what is in it is not checked
MYPY = f"[mypy]\nmypy_path = {ROOT}\n[mypy-benkit.*]\nfollow_imports = silent\n"
COMMANDS = {
    "type_at_run_time": "python -c 'from benkit.domain.seasons import season_of_month as s; "
    'print(s("3"))\' 2>&1 | tail -1',
    "type_in_mypy": "mypy --strict wrong_type.py | head -1",
    "truth_at_run_time": "python -c 'from benkit.domain.seasons import season_of_month as s; "
    "print(s(True))'",
    "truth_in_mypy": "mypy --strict truth.py",
    "swapped_in_mypy": "mypy --strict swapped.py",
    "overflow": "python -c 'import numpy as np; x = np.full(2, 40000, np.uint16); print(x + x)'",
    "mocked": "pytest --tb=line course/mocked_statistics.py 2>&1 | tail -2",
    "tests": "pytest --collect-only 2>&1 | grep -cE '::'",
    "doctests": "pytest --collect-only benkit 2>&1 | grep -cE '::'",
    "properties": "grep -rh '^@given' tests | wc -l",
    "replaced": "grep -rhE 'monkeypatch.(setattr|setitem)|mock' tests --include='test_*.py' | wc -l",
    "refusals": "grep -rh 'pytest.raises' tests | wc -l",
    "real_data": "grep -rhE '^def test.*(shared_data|real_archive)' tests | wc -l",
    "hook": "git commit -m 'Change the script'",
}


def main() -> int:
    """Run everything and write the facts."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    small_repository(SCRATCH / "small")
    for name, code in TYPED.items():
        (SCRATCH / name).write_text(code, "utf-8")
    (SCRATCH / "mypy.ini").write_text(MYPY, "utf-8")
    facts = {
        "commands": {
            name: {
                "command": command,
                "output": output_of(command, folder_of(name)),
            }
            for name, command in COMMANDS.items()
        },
        "red": at_commit(RED),
        "green": at_commit(GREEN),
        "typed": TYPED,
        "overlaps": overlaps_found(),
        "mutations": json.loads(output_of("python tests/mutations.py --json", ROOT)),
    }
    write_section(TESTING, facts)
    return 0


def folder_of(name: str) -> Path:
    """Where a command runs."""
    return SCRATCH / "small" if name == "hook" else SCRATCH if name.endswith("_mypy") else ROOT


def output_of(command: str, folder: Path) -> str:
    """What a shell prints in a folder, on both streams, with the paths of this machine shortened.

    ``python``, ``pytest`` and ``mypy`` are those of the environment that runs this.
    """
    command = re.sub(r"(?<![\w./])(pytest|mypy)(?= -)", rf"{sys.executable} -m \1", command)
    command = re.sub(r"(?<![\w./])python(?= )", sys.executable, command)
    environment = os.environ | {"COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(
        command, cwd=folder, env=environment, shell=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ).stdout  # fmt: skip
    said = said.strip("\n").replace(str(folder) + "/", "").replace(str(ROOT), "~/benkit")
    said = re.sub(r" in \d+\.\d+s", "", re.sub(r" {4,}\[100%\]", "  [100%]", said))
    return re.sub(r"^=+ (.*?) =+$", r"=== \1 ===", said, flags=re.MULTILINE)


def overlaps_found() -> dict[str, dict]:
    """What a changed line would do to an answer about the official metadata."""
    metadata = (ROOT / ".." / "shared" / "data" / "metadata.parquet").resolve()
    mutation = next(one for one in MUTATIONS if one.module == "benkit/ground/grid.py")
    copy = copy_of_the_code(SCRATCH)
    command = f"python -m benkit overlaps {metadata} --json 2>/dev/null"
    right = json.loads(output_of(command, copy))
    module = copy / mutation.module
    changed = module.read_text("utf-8").replace(mutation.line, mutation.changed)
    module.write_text(changed, "utf-8")
    return {"right": right, "wrong": json.loads(output_of(command, copy))}


def at_commit(subject: str) -> dict[str, object]:
    """What the test of the change says at the commit of this subject."""
    commits = output_of("git log --format='%H %s'", ROOT).splitlines()
    commit = next(line.split(" ", 1)[0] for line in commits if line.endswith(f" {subject}"))
    folder = SCRATCH / commit
    output_of(f"git worktree add --quiet --detach {folder} {commit}", ROOT)
    said = output_of(f"pytest --tb=line {TEST_FIRST} 2>&1 | grep -vE '^$'", folder)
    changed = output_of(f"git show --format= --numstat {commit}", ROOT)
    output_of(f"git worktree remove --force {folder}", ROOT)
    return {
        "subject": subject,
        "command": f"pytest {TEST_FIRST}",
        "output": said,
        "changed": [line.split("\t") for line in changed.splitlines()],
    }


def small_repository(folder: Path) -> None:
    """A repository with the hook turned on and a file staged that is not formatted."""
    (folder / "benkit").mkdir(parents=True)
    (folder / "benkit" / "__init__.py").write_text('"""A package."""\n', "utf-8")
    (folder / "main.py").write_text('"""A script."""\n\nx  = 1\n', "utf-8")
    shutil.copytree(ROOT / "hooks", folder / "hooks")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / ".venv").symlink_to(sys.prefix)
    output_of("git init -q; git config core.hooksPath hooks; git add main.py", folder)


if __name__ == "__main__":
    sys.exit(main())
