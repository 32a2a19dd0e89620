"""Exports of an archive on an S3 server, and to one: always copies."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.errors import AccessError, InputFormatError, OptionError, OutputError, RemoteError
from tests.making import PRODUCT, Archive
from tests.remote import CREDENTIALS, Faults, faulty, s3_server


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """An archive of three patches in a bucket, one with a folder in the place of a band."""
    (tmp_path / "buckets" / "bucket").mkdir(parents=True)
    archive = Archive(tmp_path / "buckets" / "bucket" / "archive")
    for number in range(3):
        archive.patch(f"{PRODUCT}_00_0{number}")
    odd = archive.root / PRODUCT / f"{PRODUCT}_00_02" / f"{PRODUCT}_00_02_B02.tif"
    odd.unlink()
    odd.mkdir()
    (odd / "inside").touch()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3_server(tmp_path / "buckets") as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield archive.root


def test_an_archive_in_a_bucket_is_copied_with_the_inventory_given(bucket, tmp_path):
    benkit.scan("s3://bucket/archive", tmp_path / "i.parquet", engine=benkit.Engine(workers=1))
    given = {"archive": "s3://bucket/archive", "copy": True}
    done = benkit.export(tmp_path / "i.parquet", tmp_path / "out", **given)
    assert (done.patches, done.files, done.left_out) == (2, 24, 1)
    for copy in (tmp_path / "out" / "BigEarthNet-S2").rglob("*.tif"):
        original = bucket / copy.relative_to(tmp_path / "out" / "BigEarthNet-S2")
        assert copy.read_bytes() == original.read_bytes()
    text = (tmp_path / "out" / "left_out.csv").read_text()
    assert f'"{PRODUCT}_00_02","B02 is no file"' in text


def test_faults_of_a_server_that_pass_change_nothing(bucket, tmp_path):
    inventory = tmp_path / "i.parquet"
    benkit.scan("s3://bucket/archive", inventory, engine=benkit.Engine(workers=1))
    address = os.environ["AWS_ENDPOINT_URL"]
    with faulty(address, Faults(every=5)) as bad:
        archive = f"s3://bucket/archive?endpoint_override={bad}"
        done = benkit.export(inventory, tmp_path / "out", archive=archive, copy=True)
    assert done.files == 24


def test_what_lies_in_a_bucket_is_not_linked_and_nothing_is_linked_into_one(bucket, tmp_path):
    with pytest.raises(OutputError, match=r"cannot be linked; say --copy"):
        benkit.export("s3://bucket/archive", tmp_path / "out")
    with pytest.raises(OutputError, match=r"files in a bucket are copies; say --copy"):
        benkit.export(bucket, "s3://bucket/out")
    for target in ("s3://bucket", "s3://bucket/archive/out"):
        with pytest.raises(OutputError, match="a folder apart from the archive"):
            benkit.export("s3://bucket/archive", target, copy=True)
    with pytest.raises(OutputError, match="cannot be written"):
        benkit.export(bucket, "https://localhost:9/out", copy=True)


def export_here(tmp_path, output, **options):
    """Export the archive of the bucket as it lies on this machine."""
    one = benkit.Engine(workers=1)
    if not (tmp_path / "here.parquet").exists():
        benkit.scan(tmp_path / "buckets/bucket/archive", tmp_path / "here.parquet", engine=one)
    metadata = pa.table({"patch_id": [f"{PRODUCT}_00_00"], "labels": [["Pastures"]]})
    return benkit.export(tmp_path / "here.parquet", output, metadata=metadata, copy=True, **options)


def test_an_export_into_a_bucket_is_that_of_this_machine(bucket, tmp_path):
    here = export_here(tmp_path, tmp_path / "out")
    there = export_here(tmp_path, "s3://bucket/out")
    assert here == there
    uploaded = tmp_path / "buckets" / "bucket" / "out"
    one, two = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "out", uploaded)
    )
    assert two.pop(Path(".plan"))
    assert one == two
    with pytest.raises(OutputError, match=r"is there already, and nothing in a bucket is replaced"):
        export_here(tmp_path, "s3://bucket/out", overwrite=True)


def test_an_export_goes_from_bucket_to_bucket(bucket, tmp_path):
    given = {"copy": True, "engine": benkit.Engine(workers=1), "card": True}
    metadata = pa.table({"patch_id": [f"{PRODUCT}_00_00"], "labels": [["Pastures"]]})
    done = benkit.export("s3://bucket/archive", "s3://bucket/other", metadata=metadata, **given)
    assert (done.patches, done.files) == (2, 24)
    target = tmp_path / "buckets" / "bucket" / "other"
    for copy in (target / "BigEarthNet-S2").rglob("*.tif"):
        assert (
            copy.read_bytes() == (bucket / copy.relative_to(target / "BigEarthNet-S2")).read_bytes()
        )
    assert (target / "card.json").is_file()


def test_an_interrupted_export_into_a_bucket_does_not_look_whole_and_goes_on(bucket, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    uploaded = tmp_path / "buckets" / "bucket" / "out"
    with pytest.raises(KeyboardInterrupt):
        export_here(tmp_path, "s3://bucket/out", progress=stop)
    assert not (uploaded / "left_out.csv").exists()
    before = {path: path.stat().st_mtime_ns for path in uploaded.rglob("*.tif")}
    assert len(before) == 24
    with pytest.raises(OutputError, match="holds an unfinished export of other patches"):
        export_here(tmp_path, "s3://bucket/out", patches=[f"{PRODUCT}_00_01"])
    next(iter(before)).write_bytes(b"half")
    assert export_here(tmp_path, "s3://bucket/out").files == 24
    after = {path: path.stat().st_mtime_ns for path in uploaded.rglob("*.tif")}
    assert sum(after[path] != before[path] for path in before) == 1
    assert (uploaded / "left_out.csv").exists()


def test_what_a_bucket_holds_after_the_upload_is_read_again(bucket, tmp_path):
    out = tmp_path / "buckets" / "bucket" / "out"

    def spoil(*_):
        path = min(out.rglob("*.tif"))
        path.write_bytes(path.read_bytes()[:-1] + b"x")

    wrong = (
        rf"expected the file that was scanned.*; if only the upload s3://.*{PRODUCT}_00_00_B01.tif"
    )
    with pytest.raises(InputFormatError, match=wrong):
        export_here(tmp_path, "s3://bucket/out", progress=spoil)
    assert not (out / "left_out.csv").exists()
    min(out.rglob("*.tif")).unlink()
    assert export_here(tmp_path, "s3://bucket/out").files == 24


def test_a_folder_of_a_bucket_with_something_else_in_it_is_refused(bucket, tmp_path):
    (tmp_path / "buckets" / "bucket" / "mine").mkdir()
    (tmp_path / "buckets" / "bucket" / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="expected an empty folder"):
        export_here(tmp_path, "s3://bucket/mine")


def test_a_card_of_an_archive_in_a_bucket_is_written_to_one_and_verified_there(bucket, tmp_path):
    table = pa.table({"patch_id": [f"{PRODUCT}_00_00"], "labels": [["Pastures"]]})
    one = benkit.Engine(workers=1)
    for name in ("card.json", "items.parquet"):
        made = benkit.card("s3://bucket/archive", table, output=f"s3://bucket/{name}", engine=one)
    assert (bucket.parent / "card.json").read_text("utf-8") == made.to_json()
    assert pq.read_table(bucket.parent / "items.parquet")["id"].to_pylist() == [f"{PRODUCT}_00_00"]
    assert benkit.verify("s3://bucket/card.json", bucket, table, engine=one).same
    with pytest.raises(OptionError, match="expected a folder on this machine"):
        benkit.card(bucket, table, output="s3://bucket/card")


def test_what_was_exported_into_a_bucket_and_comes_back_audits_without_a_finding(
    sample, bucket, tmp_path
):
    archive, metadata = next(sample.glob("BigEarthNet*")), sample / "metadata.parquet"
    inventory = tmp_path / "i.parquet"
    benkit.scan(archive, inventory, engine=benkit.Engine(workers=1))
    findings = benkit.audit(inventory, metadata).findings
    assert len(findings)
    given = {"exclude": findings, "reference_maps": sample / "Reference_Maps", "copy": True}
    ids = pq.read_table(metadata)["patch_id"].to_pylist()[:12]
    split = {"train": ids[::2], "validation": [], "test": ids[1::2]}
    given |= {"split": split, "sides": "folders"}
    made = benkit.export(inventory, "s3://bucket/out/", metadata=metadata, **given)
    back = tmp_path / "back"
    shutil.copytree(bucket.parent / "out", back)
    assert sum(path.suffix == ".tif" for path in back.rglob("*")) == made.files
    for side in ("train", "test"):
        scanned = tmp_path / f"{side}.parquet"
        benkit.scan(back / side / "BigEarthNet-S2", scanned, engine=benkit.Engine(workers=1))
        assert scanned.read_bytes() == (back / side / "inventory.parquet").read_bytes()
        audit = benkit.audit(scanned, back / side / "metadata.parquet")
        assert len(audit.findings) == 0
    for path in (back / "train" / "Reference_Maps").rglob("*.tif"):
        original = sample / "Reference_Maps" / path.relative_to(back / "train" / "Reference_Maps")
        assert path.read_bytes() == original.read_bytes()


def test_an_upload_goes_on_after_a_server_that_fails_now_and_then_or_for_good(
    bucket, tmp_path, monkeypatch
):
    with faulty(os.environ["AWS_ENDPOINT_URL"], Faults(every=5)) as bad:
        export_here(tmp_path, f"s3://bucket/out?endpoint_override={bad}")
    monkeypatch.setenv("BENKIT_RETRY_SECONDS", "0")
    faults = Faults(every=10**6, stop_after=60, seconds=1e6)
    with faulty(os.environ["AWS_ENDPOINT_URL"], faults) as bad:
        other = f"s3://bucket/other?endpoint_override={bad}"
        with pytest.raises(RemoteError, match=r"s3://bucket/other/.* failed again and again"):
            export_here(tmp_path, other)
    begun = bucket.parent / "other"
    assert any(begun.rglob("*.tif")) and not (begun / "left_out.csv").exists()
    export_here(tmp_path, "s3://bucket/other")
    one, two = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (bucket.parent / "out", begun)
    )
    assert one == two


def test_a_bucket_that_is_not_there_or_not_open_is_an_error_that_names_it(
    bucket, tmp_path, monkeypatch
):
    with pytest.raises(OutputError, match=r"s3://nowhere/out: .* there is no nowhere"):
        export_here(tmp_path, "s3://nowhere/out")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(AccessError, match=r"s3://bucket/out.*access is denied"):
        export_here(tmp_path, f"s3://bucket/out?endpoint_override={os.environ['AWS_ENDPOINT_URL']}")


def test_files_beside_the_bands_go_into_a_bucket_and_out_of_it(bucket, tmp_path, shared_data):
    series = shared_data / "SSL4EO-S12" / "s1"
    benkit.scan(series, tmp_path / "i.parquet", engine=benkit.Engine(workers=1))
    up = benkit.export(tmp_path / "i.parquet", "s3://bucket/out", archive=series, copy=True)
    where = {"archive": "s3://bucket/out/ssl4eo-s12-s1", "copy": True}
    down = benkit.export(tmp_path / "i.parquet", tmp_path / "again", **where)
    assert (up.files, up.bytes) == (down.files, down.bytes) == (3, sum(
        path.stat().st_size for path in series.rglob("*.*") if path.is_file()
    ))  # fmt: skip
    (text,) = (tmp_path / "again").rglob("metadata.json")
    assert text.read_bytes() == next(series.rglob("metadata.json")).read_bytes()
