"""Verbs on full disks, in read-only folders, with too few files or too little memory, and unheard."""

import contextlib
import os
import resource
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import from_origin

from benkit.cli import main
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.files.writing.staging import holding
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="mounts and limits as Linux has them"
)
SCENE = "S2A_MSIL2A_20170613T101031_N0205_R022_T33UUP"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits") / "sample"
    assert main(["sample", str(folder), "--patches", "24", "--quiet"]) == 0
    write_scene(folder / SCENE, "none")
    write_scene(folder / "packed" / SCENE, "deflate")
    for path in (folder / "metadata.parquet", next(folder.glob("geoparquets/*"))):
        table = pq.read_table(path)  # large enough that the most memory is asked for to read it
        longer = (table.schema.metadata or {}) | {"longer": "x" * 2**17}
        pq.write_table(table.replace_schema_metadata(longer), path)
    return folder


def write_scene(folder, compression):
    """A crop of a product with two by two patches."""
    folder.mkdir(parents=True)
    for name, band in BIGEARTHNET_S2.bands.items():
        side, size = 2 * band.side, band.pixel_size
        profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "uint16"}
        profile |= {"crs": "EPSG:32633", "transform": from_origin(3e5, 54e5, size, size)}
        path = folder / f"{name}.tif"
        with rasterio.open(path, "w", **profile, nodata=0, compress=compression) as target:
            target.write(np.ones((1, side, side), np.uint16))


def calls_of(sample, folder):
    """Every verb that writes: its call, and its output in the folder."""
    archive = next(sample.glob("BigEarthNet*"))
    metadata, maps = sample / "metadata.parquet", sample / "geoparquets"
    raster = next(archive.rglob("*_B02.tif"))
    one = ["--workers", "1"]
    calls = [
        (["scan", archive, "--full", *one, "--output"], "inventory.parquet"),
        (["audit", archive, "--metadata", metadata, *one, "--findings"], "findings.csv"),
        (["audit", archive, "--metadata", metadata, *one, "--findings"], "findings.parquet"),
        (["audit", archive, "--metadata", metadata, *one, "--findings"], "findings.json"),
        (["patchify", sample / SCENE, *one, "--overwrite", "--output"], "cut"),
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


def little_memory(sample, verb):
    """A call that needs more than some megabytes of memory, its output, and those megabytes."""
    archive, raster = next(sample.glob("BigEarthNet*")), next(sample.rglob("*_B02.tif"))
    metadata, maps = sample / "metadata.parquet", sample / "geoparquets"
    return {
        "scan": (["scan", archive, "--full"], "inventory.parquet", 380),
        "audit": (["audit", archive, "--metadata", metadata], "findings.parquet", 380),
        "split": (["split", metadata], "split.csv", 380),
        "labels": (["labels", maps], "labels.parquet", 380),
        "report": (["report", archive, "--metadata", metadata], "report.html", 380),
        "retile": (["retile", raster, "--overwrite", "--compress", "lzw"], "parts", 150),
        "patchify": (["patchify", sample / "packed" / SCENE, "--overwrite"], "cut", 150),
    }[verb]


@pytest.mark.parametrize(
    "verb", ["scan", "audit", "split", "labels", "report", "retile", "patchify"]
)
def test_too_little_memory(sample, tmp_path, verb):
    call, name, megabytes = little_memory(sample, verb)
    option = "--findings" if verb == "audit" else "--output"
    one = [] if verb == "split" else ["--workers", "1"]
    argv = [*map(str, call), *one, option, str(tmp_path / name)]
    assert main([*argv, "--quiet"]) in (0, 1)
    before = content_of(tmp_path / name)
    assert before
    done = shell(f"exec $BENKIT {shlex.join(argv)}", RLIMIT_AS=megabytes * 1_000_000)
    assert (done.returncode, done.stdout) == (2, "")
    said = done.stderr.splitlines()[-1]
    assert said.startswith("benkit: not enough memory (")
    assert "()" not in said
    assert "Traceback" not in done.stderr
    assert content_of(tmp_path / name) == before
    assert {path.name for path in tmp_path.glob("*")} <= {name, f".{name}.scan"}


def run_course_task(project, **limits):
    """Run main.py of another folder on the sample."""
    command = f"PYTHONPATH={ROOT} exec {sys.executable} {project / 'main.py'}"
    return shell(command, **limits)


def test_the_course_task_on_a_machine_that_lacks_something(sample, tmp_path):
    with mounted(tmp_path, "size=24m"):
        shutil.copy(ROOT / "main.py", tmp_path)
        output = tmp_path / "untracked-files"
        output.mkdir()
        (output / "milestone01").symlink_to(sample)
        whole = run_course_task(tmp_path)
        assert whole.returncode == 0, whole.stderr
        (output / "inventory.parquet").touch()
        done = run_course_task(tmp_path, RLIMIT_AS=380_000_000)
        assert_only_right_lines(done, whole)
        assert "not enough memory" in done.stderr
        with contextlib.suppress(OSError), (tmp_path / "ballast").open("wb", 0) as ballast:
            while ballast.write(bytes(4096)):
                pass
        (output / ".inventory.parquet.scan" / "patches.parquet").unlink()  # else nothing is written
        done = run_course_task(tmp_path)
        assert_only_right_lines(done, whole)
        assert "No space left on device; make room on the disk" in done.stderr
        assert "belongs into" not in done.stderr
        assert not (output / "inventory.parquet").exists()
        (tmp_path / "ballast").unlink()
        (output / "split.csv").write_text("of an earlier run")
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        done = run_course_task(tmp_path)
        assert_only_right_lines(done, whole)
        assert "cannot be written: Read-only file system" in done.stderr
        assert "split.csv: was made by an earlier run, but cannot be removed" in done.stderr


def assert_only_right_lines(done, whole):
    """Some tasks could not be done, and no other line is printed than with all that is needed."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    assert lines == [line for line in whole.stdout.splitlines() if line in lines]
    assert len(lines) < 35


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
