"""Try what can be tried of ``environment.yml`` without conda: its pip part, and the course task in it.

A virtual environment with nothing but pip stands for what conda makes of the first two lines. The pip
part is handed to that pip as conda does it: as a requirements file beside ``environment.yml``. Then
``main.py`` and ``make run`` go in a fresh copy of the repository, and their answers are compared with
those of the environment that runs this script.

    .venv/bin/python -m course.second_environment [PYTHON [OTHER ...]]

PYTHON is an interpreter of the version that ``environment.yml`` names; default: the one that runs this.
With each OTHER, an interpreter of another version, ``make run`` goes once more; where that is too old,
what pip and ``make run`` say is kept.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from course.facts_file import SECOND_ENVIRONMENT, write_section

ROOT = Path(__file__).resolve().parents[1]
OLDEST_MINOR = 11  # of the Pythons 3 that the lock is for


def main() -> int:
    """Make the environment, run the task in it, write what happened."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys._base_executable
    specification = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    wanted = specification["dependencies"][0].removeprefix("python=")
    version = version_of(python)
    if version != wanted:
        print(f"environment.yml names Python {wanted}, {python} is {version}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="second-") as folder:
        facts = {"python": version} | try_out(python, specification, Path(folder))
        copy = Path(folder) / "benkit"
        expected = answers_of(python, copy)
        others = {version_of(other): other for other in sys.argv[2:]}
        old = {version for version in others if int(version.split(".")[1]) < OLDEST_MINOR}
        facts["others_same_answers"] = {
            version: answers_of(other, copy) == expected
            for version, other in others.items()
            if version not in old
        }
        facts["refused"] = {version: refusals(others[version], copy) for version in sorted(old)}
    write_section(SECOND_ENVIRONMENT, facts)
    print(json.dumps(facts, indent=2))
    return 0 if facts["same_answers"] and facts["make_run_same_answers"] else 1


def try_out(python: str, specification: dict, folder: Path) -> dict[str, object]:
    """Install and run in a fresh copy of the repository below a folder."""
    copy, bare = folder / "benkit", folder / "env"
    copy_repository(copy)
    run(python, "-m", "venv", str(bare))
    inside = str(bare / "bin" / "python")
    pip_part = next(entry["pip"] for entry in specification["dependencies"] if type(entry) is dict)
    (copy / "condaenv.requirements.txt").write_text("\n".join(pip_part) + "\n", "utf-8")
    start = time.monotonic()
    run(inside, "-m", "pip", "install", "--quiet", "-r", "condaenv.requirements.txt", cwd=copy)
    seconds = time.monotonic() - start
    packages = json.loads(run(inside, "-m", "pip", "list", "--format", "json"))
    installed = {package["name"] for package in packages}
    size = sum(path.stat().st_size for path in bare.rglob("*") if path.is_file())
    check = run(inside, "-m", "pip", "check").strip()
    here = run(sys.executable, "main.py", cwd=copy)
    shutil.rmtree(copy / "untracked-files")
    there = run(inside, "main.py", cwd=copy)
    made = run("make", "run", cwd=copy, path=bare / "bin")
    return {
        "pip": next(package["version"] for package in packages if package["name"] == "pip"),
        "pip_part": pip_part,
        "install_seconds": round(seconds),
        "packages": len(installed - {"pip", "setuptools", "wheel"}),
        "megabytes_on_disk": round(size / 1e6),
        "pip_check": check,
        "lines_of_answers": len(there.splitlines()),
        "same_answers": there == here,
        "make_run_same_answers": made == here,
    }


def version_of(python: str) -> str:
    """The exact version of an interpreter."""
    return run(python, "-c", "import platform; print(platform.python_version())").strip()


def answers_of(python: str, copy: Path) -> tuple[str, bytes]:
    """What `make run` prints with another interpreter, and the split that it writes."""
    shutil.rmtree(copy / ".venv", ignore_errors=True)
    shutil.rmtree(copy / "untracked-files", ignore_errors=True)
    tools = Path(sys.executable).parent  # with uv, which is quick
    printed = run("make", "run", f"PYTHON={python}", cwd=copy, path=tools)
    return printed, (copy / "untracked-files" / "split.csv").read_bytes()


def refusals(python: str, copy: Path) -> dict[str, str]:
    """What pip and `make run` say, in their last line, with an interpreter that is too old."""
    shutil.rmtree(copy / ".venv", ignore_errors=True)
    run(python, "-m", "venv", "--clear", str(copy.parent / "old"))
    pip = [str(copy.parent / "old" / "bin" / "python"), "-m", "pip", "install", "--require-hashes"]
    commands = {
        "pip": [*pip, "--disable-pip-version-check", "-r", "requirements.lock"],
        "make": ["make", "run", f"PYTHON=python{version_of(python).rpartition('.')[0]}"],
    }
    environment = os.environ | {"PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}
    said = {}
    for name, command in commands.items():
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        assert done.returncode, "it is refused"
        lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
        said[name] = lines[-1]
    return said


def copy_repository(target: Path) -> None:
    """Copy the files that belong to the repository, as they are now."""
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def run(*command: str, cwd: Path = ROOT, path: Path | None = None) -> str:
    """Standard output of a command; with a folder that comes first on the PATH, if one is given."""
    environment = os.environ | {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        command, cwd=cwd, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
