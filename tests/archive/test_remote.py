"""Remote archives, tables and outputs: the same bytes as on this machine, whatever happens."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

from benkit.cli import main
from benkit.engine import Engine
from benkit.errors import AccessError, MissingInputError, OutputError, RemoteError
from benkit.inventory.scanning import scan as scan_module
from benkit.inventory.scanning.scan import scan
from benkit.tiff.plain import encode
from tests.making import PRODUCT, rows_of, write_patch
from tests.remote import CREDENTIALS, Faults, faulty, refusing, s3_server, web_server

ONE = Engine(workers=1)


def write_archive(root: Path) -> Path:
    """Whole patches, and one with everything that can be wrong with one."""
    wide = encode(np.ones((200, 200), np.uint16), epsg=32633, x=0, y=0, pixel_size=10)
    odd = write_patch(root, B03=None, B04=b"II*\0 not a TIFF", B05=b"", B02=wide)
    packed = odd / f"{odd.name}_B12.tif"
    with rasterio.open(packed) as source:
        profile, pixels = source.profile | {"compress": "lzw"}, source.read()
    with rasterio.open(packed, "w", **profile) as target:
        target.write(pixels)
    (odd / f"{odd.name}_B11.tif").unlink()
    (odd / f"{odd.name}_B11.tif").mkdir()
    (odd / f"{odd.name}_B11.tif" / "inside").touch()
    (odd / "notes & more.txt").touch()
    (root / "README").touch()
    (root / PRODUCT / "größe 100%.txt").touch()
    for row in range(12):
        write_patch(root, f"{PRODUCT}_05_{row:02d}")
    return root


@pytest.fixture(scope="module")
def buckets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remote") / "buckets"
    write_archive(folder / "bucket" / "archive")
    return folder


@pytest.fixture(scope="module")
def expected(buckets, tmp_path_factory):
    output = tmp_path_factory.mktemp("local") / "inventory.parquet"
    scan(buckets / "bucket" / "archive", output, engine=ONE)
    return output.read_bytes()


@pytest.fixture(scope="module")
def s3(buckets):
    with s3_server(buckets) as address:
        yield address


@pytest.fixture(scope="module")
def web(buckets):
    with web_server(buckets / "bucket") as address:
        yield address


@pytest.fixture(autouse=True)
def credentials(monkeypatch, request):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    if "s3" in request.fixturenames:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))


@pytest.fixture(params=["s3", "web"])
def archive(request):
    """Address of the archive on each kind of server."""
    server = request.getfixturevalue(request.param)
    return (
        f"s3://bucket/archive?endpoint_override={server}"
        if request.param == "s3"
        else (f"{server}/archive/")
    )


def test_same_inventory_as_from_disk(archive, expected, tmp_path):
    output = tmp_path / "inventory.parquet"
    summary = scan(archive, output, engine=ONE)
    assert rows_of(output) == pq.read_table(pa.BufferReader(expected)).to_pylist()
    assert output.read_bytes() == expected
    assert summary.patches == 13
    assert {row["status"] for row in rows_of(output)} == {"ok", "missing", "unreadable", "stray"}
    again = scan(archive, output, engine=ONE)
    assert (again.unchanged, output.read_bytes()) == (12, expected)  # one has an unreadable file


def test_worker_processes_read_from_a_distance(s3, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(scan_module, "patches_per_chunk", lambda layout: 4)
    output = tmp_path / "inventory.parquet"
    scan("s3://bucket/archive", output, engine=Engine(workers=2))
    assert output.read_bytes() == expected


@pytest.mark.parametrize("kind", ["s3", "web"])
def test_faults_that_pass_change_nothing(kind, request, expected, tmp_path):
    faults = Faults(every=20, stop_after=150, seconds=1.5)
    with faulty(request.getfixturevalue(kind), faults) as address:
        archive = f"s3://bucket/archive?endpoint_override={address}"
        archive = archive if kind == "s3" else f"{address}/archive"
        output = tmp_path / "inventory.parquet"
        scan(archive, output, engine=ONE)
    assert output.read_bytes() == expected
    assert faults.failed > faults.requests // 20


def test_an_output_at_a_distance_is_written_through_faults(s3, buckets, expected):
    with faulty(s3, Faults(every=3)) as address:
        target = f"s3://bucket/out/inventory.parquet?endpoint_override={address}"
        scan(buckets / "bucket" / "archive", target, engine=ONE)
    assert (buckets / "bucket" / "out" / "inventory.parquet").read_bytes() == expected
    assert [file.name for file in (buckets / "bucket" / "out").iterdir()] == ["inventory.parquet"]
    shutil.rmtree(buckets / "bucket" / "out")


def test_a_server_that_is_away_is_an_error(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", "0.3")
    for address in (
        "s3://bucket/archive?endpoint_override=http://127.0.0.1:9",
        "http://127.0.0.1:9/a",
    ):
        assert main(["scan", address, "--output", str(tmp_path / "inventory.parquet")]) == 2
        error = capfd.readouterr().err
        assert error.count("\n") == 1
        assert address.partition("?")[0] in error
        assert "give the same command again later" in error
    assert not (tmp_path / "inventory.parquet").exists()


def test_a_server_that_dies_in_the_middle_is_no_finding(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", "0.5")
    faults = Faults(every=10**9, stop_after=100, seconds=10**6)
    with faulty(s3, faults) as address:
        with pytest.raises(RemoteError, match="failed again and again"):
            scan(
                f"s3://bucket/archive?endpoint_override={address}",
                tmp_path / "i.parquet",
                engine=ONE,
            )
    assert not (tmp_path / "i.parquet").exists()


@pytest.mark.parametrize("status", [403, 500])
def test_a_fault_of_one_file_alone_is_a_finding(buckets, tmp_path, monkeypatch, status):
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", "0.3")
    with refusing(buckets / "bucket", "_05_03_B01.tif", status) as address:
        scan(f"{address}/archive", tmp_path / "i.parquet", engine=ONE)
    rows = {(row["patch_id"], row["band"]): row for row in rows_of(tmp_path / "i.parquet")}
    row = rows[f"{PRODUCT}_05_03", "B01"]
    assert row["status"] == "unreadable"
    assert f"answers {status}" in row["detail"]
    assert rows[f"{PRODUCT}_05_04", "B01"]["status"] == "ok"


def test_files_that_are_all_denied_are_an_error(buckets, tmp_path):
    with refusing(buckets / "bucket", ".tif", 403) as address:
        with pytest.raises(RemoteError, match=r"none of 1\d\d can be read"):
            scan(f"{address}/archive", tmp_path / "i.parquet", engine=ONE)


def test_denied_and_missing(s3, web, tmp_path, monkeypatch):
    with pytest.raises(MissingInputError, match=r"s3://bucket/none: expected the folder"):
        scan("s3://bucket/none", tmp_path / "i.parquet", engine=ONE)
    with pytest.raises(MissingInputError, match="there is nothing"):
        scan(f"{web}/none", tmp_path / "i.parquet", engine=ONE)
    with pytest.raises(OutputError, match="web server"):
        scan("s3://bucket/archive", f"{web}/i.parquet", engine=ONE)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    other = s3.replace("127.0.0.1", "localhost")
    with pytest.raises(AccessError, match="AWS_ACCESS_KEY_ID") as denied:
        scan(f"s3://bucket/archive?endpoint_override={other}", tmp_path / "i.parquet")
    assert "wrong-secret" not in str(denied.value)


def test_what_cannot_be_uploaded_is_kept(s3, buckets, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    other = s3.replace("127.0.0.1", "LOCALHOST")
    with pytest.raises(OutputError, match=r"kept in .*i\.parquet") as error:
        scan(
            buckets / "bucket" / "archive",
            f"s3://bucket/i.parquet?endpoint_override={other}",
            engine=ONE,
        )
    kept = Path(str(error.value).rpartition("kept in ")[2])
    assert pq.read_table(kept).num_rows > 150


@pytest.fixture
def metadata(buckets):
    patches = [
        f"{PRODUCT}_{column:02d}_{row:02d}" for column in range(0, 60, 9) for row in range(9)
    ]
    patches[-1] = f"{PRODUCT}_05_00"  # of the archive
    labels = [[("Arable land", "Pastures")[len(patch) % 2], "Mixed forest"] for patch in patches]
    path = buckets / "bucket" / "metadata.parquet"
    pq.write_table(pa.table({"patch_id": patches, "labels": labels}), path)
    return path


def test_every_verb_gives_the_same_from_a_distance(s3, web, buckets, metadata, tmp_path, capfd):
    bucket = buckets / "bucket"
    scan(bucket / "archive", bucket / "inventory.parquet", engine=ONE)
    calls = [
        ("scan", "archive", "--output=i.parquet", "--no-progress"),
        ("audit", "inventory.parquet", "--metadata=metadata.parquet", "--findings=f.csv"),
        ("audit", "archive", "--metadata=metadata.parquet", "--workers=1", "--no-progress"),
        ("stats", "inventory.parquet", "--patches=metadata.parquet"),
        ("summary", "metadata.parquet"),
        ("footprints", "metadata.parquet", "--output=fp.parquet"),
        ("split", "metadata.parquet", "--output=s.csv"),
        ("evaluate", "split.csv", "--metadata=metadata.parquet"),
    ]
    outputs = {"i.parquet", "f.csv", "fp.parquet", "s.csv"}
    (bucket / "out").mkdir()
    found = {}
    for where, folder, out in (
        ("local", f"{bucket}", f"{tmp_path}"),
        ("s3", "s3://bucket", "s3://bucket/out"),
        ("web", web, f"{tmp_path}/web"),
    ):
        for verb, source, *options in calls:
            argv = [verb, f"{folder}/{source}", "--json"]
            for option in options:
                name, equals, value = option.partition("=")
                root = out if value in outputs else folder
                is_file = "." in value
                argv.append(f"{name}{equals}{root}/{value}" if is_file else option)
            status = main(argv)
            printed = json.loads(capfd.readouterr().out)
            printed.pop("seconds", None)
            found.setdefault((verb, source), {})[where] = (status, printed)
            if verb == "split" and where == "local":
                shutil.copy(tmp_path / "s.csv", bucket / "split.csv")
    for call, results in found.items():
        assert results["local"] == results["s3"] == results["web"], call
        assert results["local"][0] in (0, 1), call
    for name in outputs:
        content = (tmp_path / name).read_bytes()
        assert content == (bucket / "out" / name).read_bytes(), name
        assert content == (tmp_path / "web" / name).read_bytes(), name
    for name in ("out", "inventory.parquet", "split.csv", "metadata.parquet"):
        path = bucket / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_outputs_are_protected_as_on_this_machine(s3, buckets, metadata, capfd):
    address = "s3://bucket/metadata.parquet"
    assert main(["footprints", address, "--output", address]) == 2
    assert "is an input of this call" in capfd.readouterr().err
    other = buckets / "bucket" / "other.parquet"
    other.touch()
    call = ["footprints", address, "--output", "s3://bucket/other.parquet"]
    assert main([*call, "--no-overwrite"]) == 2
    assert "is there already" in capfd.readouterr().err
    assert main(call) == 0
    assert pq.read_table(other).num_rows == 63
    other.unlink()


@pytest.mark.parametrize("verb", ["summary", "report", "retile"])
def test_passwords_are_refused_and_not_repeated(verb, capfd):
    for address in ("s3://user:geheim@bucket/x", "https://user:geheim@host/x?y"):
        assert main([verb, address, "--output", address]) == 2
        error = capfd.readouterr().err
        assert "without user and password" in error
        assert "geheim" not in error


@pytest.mark.parametrize("address", ["ftp://host/x.parquet", "abfs://box/x.parquet"])
def test_file_systems_that_cannot_be_made_are_an_error_at_once(address, capfd):
    assert main(["summary", address]) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"benkit: {address}: cannot be reached: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("address", ["ftp://host/x.parquet", "abfs://box/x.parquet"])
def test_an_output_that_cannot_be_reached_is_named(address, metadata, capfd):
    assert main(["footprints", str(metadata), "--output", address]) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"benkit: {address}: ")
    assert error.count("\n") == 1


def test_other_file_systems_of_pyarrow(tmp_path, metadata, capfd):
    source = f"fsspec+file://{metadata}"
    target = f"fsspec+file://{tmp_path}/new/footprints.parquet"
    assert main(["footprints", source, "--output", target, "--json"]) == 0
    assert pq.read_table(tmp_path / "new" / "footprints.parquet").num_rows == 63
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["footprints.parquet"]
    metadata.unlink()


def test_verbs_that_read_files_only_say_so(capfd):
    assert main(["report", "s3://bucket/a", "--metadata", "m", "--output", "o.html"]) == 2
    assert "expected a path on this machine" in capfd.readouterr().err
