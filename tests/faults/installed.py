"""Install the wheel into an empty environment and run the tests of the command line against it.

    .venv/bin/python -m tests.faults.installed

The environment holds what the two lock files pin, checked against their hashes, and the wheel; the
source is not there, only the tests and main.py are copied. Exit status: that of the tests.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOT


def main() -> int:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="installed-") as name:
        folder = Path(name)
        python = str(folder / "env" / "bin" / "python")
        locks = [f"-r{ROOT / name}" for name in ("requirements.lock", "requirements-dev.lock")]
        uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
        for command in (
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheel")],
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder / "env")],
            [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", *locks],
            [uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "--no-index",
             "--find-links", str(folder / "wheel"), "benkit"],
        ):  # fmt: skip
            subprocess.run(command, cwd=ROOT, check=True)
        print(f"installed after {time.monotonic() - begin:.0f} s", flush=True)
        away = folder / "work" / "project"
        shutil.copytree(ROOT / "tests", away / "tests")
        for name in ("pyproject.toml", "main.py"):
            shutil.copy(ROOT / name, away)
        if (ROOT / ".." / "shared").exists():
            (folder / "work" / "shared").symlink_to((ROOT / ".." / "shared").resolve())
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        tests = [
            "-m",
            "pytest",
            "tests/cli",
            "-k",
            "not installed_from_a_wheel",
        ]  # which needs the source
        done = subprocess.run([python, *tests], cwd=away, env=environment, check=False)
    print(f"{time.monotonic() - begin:.0f} s in all")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
