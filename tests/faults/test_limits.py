"""Verbs on full disks, in read-only folders, with too few files or too little memory, and unheard."""

import contextlib
import os
import resource
import subprocess
import sys

import pytest

from benkit.cli import main
from benkit.io.stage import holding
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="mounts and limits as Linux has them"
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits") / "sample"
    assert main(["sample", str(folder), "--patches", "24", "--quiet"]) == 0
    return folder


def calls_of(sample, folder):
    """Every verb that writes: its call, and its output in the folder."""
    archive = next(sample.glob("BigEarthNet*"))
    metadata, maps = sample / "metadata.parquet", sample / "geoparquets"
    raster = next(archive.rglob("*_B02.tif"))
    one = ["--workers", "1"]
    calls = [
        (["scan", archive, "--full", *one, "--output"], "inventory.parquet"),
        (["audit", archive, "--metadata", metadata, *one, "--findings"], "findings.csv"),
        (["inspect", raster.parent, "--figure"], "patch.png"),
        (["labels", maps, *one, "--output"], "labels.parquet"),
        (["labels", maps, *one, "--output"], "labels.csv"),
        (["footprints", metadata, "--output"], "footprints.parquet"),
        (["overlaps", metadata, "--output"], "overlaps.parquet"),
        (["split", metadata, "--output"], "split.csv"),
        (["report", archive, "--metadata", metadata, *one, "--output"], "report.html"),
        (["map", metadata, "--output"], "map.html"),
        (["retile", raster, *one, "--overwrite", "--output"], "parts"),
        (["retile", raster, *one, "--overwrite", "--compress", "lzw", "--output"], "packed"),
        (["sample", "--patches", "20", *one], "sample"),
    ]
    return [([*map(str, argv), str(folder / name)], folder / name) for argv, name in calls]


@contextlib.contextmanager
def mounted(folder, options):
    """A small file system of its own."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def content_of(path):
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {str(file): file.read_bytes() for file in files}


def refused(capsys, argv, output, reason):
    """The verb ends with one clear line, and the earlier output stays as it was."""
    before = content_of(output)
    status = main(argv)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2, (argv, said)
    assert said.startswith("benkit: "), said
    assert reason in said, said
    assert str(output) in said, said
    assert ".part" not in said, said
    assert content_of(output) == before
    assert not list(output.parent.glob(".*.part"))


def test_a_full_disk(sample, tmp_path, capsys):
    with mounted(tmp_path, "size=24m"):
        for argv, output in calls_of(sample, tmp_path):
            assert main(argv) in (0, 1), capsys.readouterr().err
            with contextlib.suppress(OSError), (tmp_path / "ballast").open("wb", 0) as ballast:
                while ballast.write(bytes(4096)):
                    pass
            refused(capsys, argv, output, " room")
            (tmp_path / "ballast").unlink()


def test_a_file_system_that_cannot_be_written(sample, tmp_path, capsys):
    with mounted(tmp_path, "size=24m"):
        calls = calls_of(sample, tmp_path)
        for argv, output in calls:
            assert main(argv) in (0, 1), output
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        for argv, output in calls:
            refused(capsys, argv, output, "Read-only file system")


def test_too_many_open_files(sample, tmp_path, capsys):
    calls = calls_of(sample, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for argv, output in calls:
        assert main(argv) in (0, 1), output
        before = content_of(output)
        capsys.readouterr()
        free = os.open("/dev/null", os.O_RDONLY)
        os.close(free)
        for more in range(4):
            resource.setrlimit(resource.RLIMIT_NOFILE, (free + more, hard))
            try:
                status = main(argv)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            said = capsys.readouterr().err
            assert status in (0, 1) or (status == 2 and "Too many open files" in said), (argv, said)
            assert content_of(output) == before or output.suffix == ".html"


def shell(command, **limits):
    def limit():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "BENKIT": f"{sys.executable} -m benkit"},
    )  # fmt: skip


def test_too_little_memory(sample, tmp_path):
    archive, output = next(sample.glob("BigEarthNet*")), tmp_path / "inventory.parquet"
    command = f"exec $BENKIT scan {archive} --output {output} --full --workers 1"
    assert shell(command).returncode == 0
    before = output.read_bytes()
    done = shell(command, RLIMIT_AS=300_000_000)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not enough memory" in done.stderr
    assert "Traceback" not in done.stderr
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("$BENKIT summary {0} | head -1; exit ${{PIPESTATUS[0]}}", 0, ""),
        ("exec $BENKIT summary {0} > /dev/full", 2, "benkit: standard output: "),
        ("exec $BENKIT summary {0} >&-", 0, ""),
        ("exec $BENKIT summary {0} 2>&-", 0, ""),
        ("exec $BENKIT summary nowhere 2> /dev/full", 2, ""),
    ],
)  # fmt: skip
def test_nobody_listens(sample, command, status, said):
    done = shell(command.format(sample / "metadata.parquet"))
    assert done.returncode == status
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_second_scan_of_the_same_output_is_refused(sample, tmp_path, capsys):
    output = tmp_path / "inventory.parquet"
    state = tmp_path / ".inventory.parquet.scan"
    state.mkdir()
    with holding(state):
        assert main(["scan", str(next(sample.glob("BigEarthNet*"))), "--output", str(output)]) == 2
    assert f"{output}: another scan is writing it" in capsys.readouterr().err
    assert not output.exists()
