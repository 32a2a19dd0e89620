"""What is said of a machine that lacks memory or a library."""

import os
import subprocess
import sys

import pytest

from benkit.errors import broken_import, lack_of_memory
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError("Unable to allocate 9 TiB"), "Unable to allocate 9 TiB"),
        (MemoryError(), "no more to be had"),
        (
            ImportError("libx.so: failed to map segment from shared object"),
            "libx.so: failed to map",
        ),
        (
            ImportError("see the manual\nlibx.so: cannot allocate memory\n"),
            "libx.so: cannot allocate",
        ),
    ],
)
def test_a_lack_of_memory_is_called_that(error, said):
    assert lack_of_memory(error).startswith(f"not enough memory ({said}")


@pytest.mark.parametrize(
    "error", [ImportError("libx.so: undefined symbol: y"), ModuleNotFoundError(name="x"), OSError()]
)
def test_nothing_else_is(error):
    assert lack_of_memory(error) is None


def test_a_broken_library_is_named():
    assert broken_import(ImportError("no symbol\nmore", name="rasterio._io")) == (
        "rasterio._io cannot be loaded: no symbol"
    )


def test_the_course_task_names_a_broken_library(tmp_path):
    (tmp_path / "pyarrow").mkdir()
    (tmp_path / "pyarrow" / "__init__.py").write_text("raise ImportError('libarrow.so: is cut')")
    (tmp_path / "main.py").write_bytes((ROOT / "main.py").read_bytes())
    (tmp_path / "untracked-files" / "milestone01").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, tmp_path / "main.py"], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "a library cannot be loaded: libarrow.so: is cut" in done.stderr
    assert "memory" not in done.stderr
    assert "Traceback" not in done.stderr
