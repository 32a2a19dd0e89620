"""Scans that are interrupted, repeated, or meet an archive that has changed."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benkit.engine import Engine
from benkit.errors import OutputError
from benkit.inventory.scanning import resume
from benkit.inventory.scanning.chunk import PATCHES_PER_CHUNK
from benkit.inventory.scanning.scan import scan
from tests.conftest import ROOT
from tests.making import PRODUCT, fill_archive, rows_of

ONE = Engine(workers=1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return fill_archive(tmp_path_factory.mktemp("again") / "archive", 700)


@pytest.fixture(scope="module")
def undisturbed(archive, tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed") / "inventory.parquet"
    scan(archive, output, engine=ONE)
    return output.read_bytes()


class Interruption(BaseException):
    """What a test throws into a scan."""


def interrupt_after(patches):
    def progress(done, total, size):
        if done >= patches:
            raise Interruption

    return progress


@pytest.mark.parametrize(
    "moments", [[1], [300], [PATCHES_PER_CHUNK, 2 * PATCHES_PER_CHUNK, 600], [700]]
)
def test_an_interrupted_scan_goes_on_where_it_stopped(archive, undisturbed, tmp_path, moments):
    output = tmp_path / "inventory.parquet"
    reached = 0
    for moment in moments:
        with pytest.raises(Interruption):
            scan(archive, output, engine=ONE, progress=interrupt_after(moment))
        assert not output.exists()
        reached = min(-(-moment // PATCHES_PER_CHUNK) * PATCHES_PER_CHUNK, 700)
    summary = scan(archive, output, engine=ONE)
    assert summary.unchanged == reached
    assert summary.files == (700 - reached) * 12
    assert output.read_bytes() == undisturbed
    assert sorted(os.listdir(tmp_path)) == [".inventory.parquet.scan", "inventory.parquet"]
    assert os.listdir(tmp_path / ".inventory.parquet.scan") == ["patches.parquet"]


def test_parts_are_put_aside_while_a_scan_runs(archive, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "ROWS_PER_PART", 1000)
    output = tmp_path / "inventory.parquet"
    with pytest.raises(Interruption):
        scan(archive, output, engine=ONE, progress=interrupt_after(500))
    assert len(list((tmp_path / ".inventory.parquet.scan").glob("*.rows"))) == 3
    assert scan(archive, output, engine=ONE).unchanged == 3 * PATCHES_PER_CHUNK
    assert output.read_bytes() == undisturbed
    assert scan(archive, output, engine=ONE, full=True).unchanged == 0
    assert output.read_bytes() == undisturbed


def test_only_what_changed_is_read_again(tmp_path):
    archive, output = fill_archive(tmp_path / "archive", 200), tmp_path / "inventory.parquet"
    scan(archive, output, engine=ONE)
    before = output.read_bytes()
    summary = scan(archive, output, engine=ONE)
    assert (summary.unchanged, summary.files, output.read_bytes()) == (200, 0, before)

    folder = archive / PRODUCT
    gone, new, other, stray, touched = (folder / f"{PRODUCT}_00_0{i}" for i in range(5))
    shutil.rmtree(gone)
    shutil.copytree(new, folder / f"{PRODUCT}_88_88")
    for file in (folder / f"{PRODUCT}_88_88").iterdir():
        file.rename(file.with_name(file.name.replace("_00_01_", "_88_88_")))
    band = other / f"{other.name}_B05.tif"
    status = band.stat()
    content = bytearray(band.read_bytes())
    content[-1] ^= 1
    band.unlink()  # else all links change
    band.write_bytes(content)
    os.utime(band, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time
    (stray / "notes.txt").touch()
    os.utime(touched / f"{touched.name}_B01.tif", (1, 1))  # one file under 199 names

    fresh = tmp_path / "fresh.parquet"
    scan(archive, fresh, engine=ONE)
    summary = scan(archive, output, engine=ONE)
    assert output.read_bytes() == fresh.read_bytes() != before
    assert summary.patches == 200
    assert summary.unchanged < 200


def test_one_changed_patch_among_many(tmp_path):
    archive, output = fill_archive(tmp_path / "archive", 300), tmp_path / "inventory.parquet"
    scan(archive, output, engine=ONE)
    (archive / PRODUCT / f"{PRODUCT}_01_50" / "notes.txt").touch()
    summary = scan(archive, output, engine=ONE)
    assert (summary.unchanged, summary.files) == (299, 12)
    assert [row["detail"] for row in rows_of(output) if row["status"] == "stray"] == [
        f"{PRODUCT}/{PRODUCT}_01_50/notes.txt"
    ]


@pytest.mark.parametrize("damage", ["truncate", "garbage", "foreign", "other inventory", "removed"])
def test_a_damaged_state_only_costs_time(archive, undisturbed, tmp_path, damage):
    output = tmp_path / "inventory.parquet"
    scan(archive, output, engine=ONE)
    state = tmp_path / ".inventory.parquet.scan" / "patches.parquet"
    if damage == "truncate":
        state.write_bytes(state.read_bytes()[:-10])
    elif damage == "garbage":
        state.write_bytes(b"garbage")
    elif damage == "foreign":
        shutil.copy(output, state)
    elif damage == "other inventory":
        output.write_bytes(b"not the one that was written")
    else:
        shutil.rmtree(state.parent)
    assert scan(archive, output, engine=ONE).unchanged == 0
    assert output.read_bytes() == undisturbed


def test_the_state_of_another_archive_is_not_used(archive, tmp_path):
    output = tmp_path / "inventory.parquet"
    scan(archive, output, engine=ONE)
    shutil.copytree(archive, tmp_path / "copy", copy_function=os.link)
    assert scan(tmp_path / "copy", output, engine=ONE).unchanged == 0


def test_a_failing_scan_leaves_an_earlier_inventory_whole(archive, tmp_path, monkeypatch):
    output = tmp_path / "inventory.parquet"
    scan(archive, output, engine=ONE)
    before = output.read_bytes()

    def fail(*_):
        raise OutputError("no room")

    monkeypatch.setattr(resume, "writing_inventory", fail)
    with pytest.raises(OutputError, match="no room"):
        scan(archive, output, engine=ONE, full=True)
    assert output.read_bytes() == before


def start_scan(archive: Path, output: Path, *options: str) -> subprocess.Popen:
    """A scan in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "benkit", "scan", str(archive), "--output", str(output), *options],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def anyone_left(group: int) -> list[str]:
    """Processes of a group that still run; those that only wait to be reaped have ended."""
    left = subprocess.run(
        ["ps", "-A", "-o", "pgid=,stat=,command="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in left.splitlines()]
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """An archive of which much waits for GDAL, and the bytes of its inventory."""
    root = fill_archive(tmp_path_factory.mktemp("slow") / "archive", 450)
    for folder in sorted((root / PRODUCT).iterdir()):
        for name in ("B02", "B03", "B04", "B08"):
            band = folder / f"{folder.name}_{name}.tif"
            content = band.read_bytes()
            band.unlink()
            band.write_bytes(content + b"\0")
    scan(root, root.with_name("fresh.parquet"), engine=ONE)
    return root, root.with_name("fresh.parquet").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.5, 1.0])
def test_a_signal_ends_a_scan_within_two_seconds(slow, tmp_path, kind, delay):
    root, undisturbed = slow
    output = tmp_path / "inventory.parquet"
    running = start_scan(root, output, "--workers", "2")
    time.sleep(delay)
    start = time.monotonic()
    if kind == signal.SIGINT:
        os.killpg(running.pid, kind)  # as a terminal does
    else:
        running.send_signal(kind)
    _, err = running.communicate(timeout=20)
    assert time.monotonic() - start < 2
    assert running.returncode in (130, -kind), err  # before Python is up, the signal itself
    begun = any(tmp_path.iterdir())  # else there is nothing to go on with
    assert not begun or running.returncode == -kind or "the same command again goes on" in err
    assert "Traceback" not in err
    assert not output.exists()
    assert not list(tmp_path.rglob("*.part"))
    while anyone_left(running.pid):
        assert time.monotonic() - start < 2, anyone_left(running.pid)
        time.sleep(0.02)
    scan(root, output, engine=ONE)
    assert output.read_bytes() == undisturbed


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers through /proc")
def test_a_killed_worker_leaves_no_hole(archive, undisturbed, tmp_path):
    output = tmp_path / "inventory.parquet"
    victims = []

    def kill_one(done, total, size):
        if not victims:
            workers = multiprocessing.active_children()
            victims.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    scan(archive, output, engine=Engine(workers=2), progress=kill_one)
    assert victims
    assert output.read_bytes() == undisturbed


@pytest.mark.parametrize("workers", [2, 8])
def test_same_bytes_for_any_number_of_workers(archive, undisturbed, tmp_path, workers):
    output = tmp_path / "inventory.parquet"
    scan(archive, output, engine=Engine(workers=workers))
    assert output.read_bytes() == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_disk_without_room_is_a_clear_error_and_spares_the_earlier_inventory(archive, tmp_path):
    import resource

    output = tmp_path / "inventory.parquet"
    scan(archive, output, engine=ONE)
    before = output.read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "benkit", "scan", str(archive), "--output", str(output), "--full",
         "--workers", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"benkit: {output}: cannot be written: ")
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert output.read_bytes() == before
    assert not list(tmp_path.rglob("*.part"))
