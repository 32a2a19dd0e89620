"""The command line where its surroundings are odd: another backend, no home, names that are no text."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def run(*words, options=(), **environment):
    """Run the command line in a process of its own; None takes a variable away."""
    env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, *options, "-m", "benkit", *map(os.fsdecode, words)],
        env={name: text for name, text in env.items() if text is not None},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_figures_need_no_backend_and_no_settings_of_a_notebook(archive, tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"backend: \xff\ntext.usetex: True\n")
    folder = next(archive.glob("*/*_00_01"))
    figure = tmp_path / "figure.png"
    done = run(
        "inspect", folder, "--figure", figure,
        MPLBACKEND="module://nowhere.backend_inline", MATPLOTLIBRC=str(tmp_path / "matplotlibrc"),
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_report_is_made_of_an_archive_whose_name_is_no_text(archive, metadata, tmp_path):
    odd = os.fsencode(tmp_path) + b"/arch\xff"
    archive.rename(os.fsdecode(odd))
    page = tmp_path / "report.html"
    done = run("report", odd, "--metadata", metadata, "--output", page)
    assert (done.returncode, done.stderr) == (0, "")
    assert "arch\\udcff" in page.read_text("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_an_error_about_a_name_that_is_no_text_is_short(archive, tmp_path):
    done = run("scan", archive, "--output", os.fsencode(tmp_path) + b"/\xff.parquet")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and len(done.stderr) < 400


def test_ascii_terminals_and_missing_docstrings_do_no_harm(archive, metadata):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    moved = archive.rename(archive.with_name("архив für #1 %20"))
    for options, environment in (((), ascii_only), (("-OO", "-W", "error"), {})):
        done = run("audit", moved, "--metadata", metadata, options=options, **environment)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "missing_band" in done.stdout
