"""The command line as a program: its streams, its statuses, what it says."""

import os
import signal
import subprocess
import sys

import pytest

from benkit.cli import main
from tests.conftest import ROOT


def test_as_a_module_and_with_a_reader_that_leaves(metadata):
    call = [sys.executable, "-m", "benkit", "summary", str(metadata)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "seasons spring" in done.stdout
    left = subprocess.run(
        f"{' '.join(call)} --json | true",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert left.stderr == ""


def test_installed_from_a_wheel_gives_the_command(tmp_path):
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    install += [
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--target",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(install, check=True, capture_output=True, text=True)
    done = subprocess.run(
        [str(tmp_path / "bin" / "benkit"), "--version"],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("benkit 0.")


def test_an_interrupt_that_a_library_turned_into_an_error_is_an_interrupt(monkeypatch, capsys):
    def interrupted(metadata):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise SystemError("returned a result with an exception set") from None

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("benkit.api.summary.summary", interrupted)
    try:
        assert main(["summary", "metadata.parquet"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "benkit: interrupted\n"


def test_verbose_tells_the_time_and_quiet_nothing(capsys, metadata):
    assert main(["summary", str(metadata), "-v"]) == 0
    assert capsys.readouterr().err.startswith("benkit: version ")
    assert main(["evaluate", str(metadata), "--metadata", str(metadata), "-q"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["summary", "nowhere", "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["summary", "nowhere.parquet"],
        ["scan", "nowhere", "--output", "x.parquet"],
        ["audit", "nowhere", "--metadata", "nowhere.parquet"],
        ["stats", "nowhere"],
        ["stats", "nowhere", "--side", "train"],
        ["retile", "nowhere.tif", "--output", "nowhere"],
        ["summary", __file__],
    ],
)
def test_wrong_input_is_one_line_and_status_2(argv, capsys):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("benkit: ")
    assert err.count("\n") == 1
    assert "expected" in err


@pytest.mark.parametrize(
    ("library", "content", "message"),
    [
        (
            "pyarrow",
            "raise ModuleNotFoundError(name=__name__)",
            "pyarrow is not installed; install",
        ),
        ("numpy", "import nowhere", "nowhere is not installed; install benkit anew"),
        (
            "pyarrow",
            "raise ImportError('libarrow.so: no symbol')",
            "libarrow.so: no symbol; install",
        ),
        (
            "pyarrow",
            "raise ImportError('x: cannot allocate memory')",
            "not enough memory (x: cannot",
        ),
    ],
)
@pytest.mark.parametrize("verb", ["summary x", "scan x --output y"])
def test_a_library_that_does_not_load_is_told_in_one_line(
    library, content, message, verb, tmp_path
):
    (tmp_path / library).mkdir()
    (tmp_path / library / "__init__.py").write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "benkit", *verb.split()],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("benkit: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
