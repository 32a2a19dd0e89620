"""The wheel that ``pip install .`` makes: what is in it, and that it works away from the source."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.iterdir()
    return wheel


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {str(p.relative_to(ROOT)) for p in (ROOT / "benkit").rglob("*") if p.is_file()}
    ours = {name for name in ours if "__pycache__" not in name}
    assert {name for name in names if ".dist-info/" not in name} == ours
    metadata = next(name for name in names if name.endswith("/METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    needed = [line for line in text.splitlines() if line.startswith("Requires-Dist: ")]
    assert sum("extra ==" not in line for line in needed) == 13


def test_the_wheel_works_without_the_source(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import sys, benkit; from benkit.cli import main; "
        f"assert benkit.__file__.startswith({str(site)!r}); sys.exit(main())"
    )
    environment = os.environ | {"PYTHONPATH": str(site)}
    for argv in (
        ["sample", "s", "--patches", "20"],
        ["scan", "s/BigEarthNet-v2.0-S2-with-errors", "--output", "inventory.parquet"],
        ["report", "inventory.parquet", "--metadata", "s/metadata.parquet", "--output", "r.html"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *argv],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "</html>" in Path(tmp_path / "r.html").read_text("utf-8")
