"""Environments of other tools, so that what benkit writes is read by what knows nothing of it."""

import subprocess
import sys
from pathlib import Path


def environment(folder: Path, modules: str, packages: tuple[str, ...]) -> Path | str:
    """Python of an environment that can import some modules, made if need be; or why there is none."""
    python = folder / "bin" / "python"
    if can_import(python, modules):
        return python
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return python if can_import(python, modules) else "it is installed, but cannot be imported"


def can_import(python: Path, modules: str) -> bool:
    """Whether a Python is there that has some modules."""
    command = [python, "-c", f"import {modules}"]
    return (
        python.exists() and not subprocess.run(command, capture_output=True, check=False).returncode
    )
