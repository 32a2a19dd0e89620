"""An archive on an S3 server is exported as copies; nothing is exported to one."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.errors import OptionError, OutputError
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


def test_what_lies_in_a_bucket_is_not_linked_and_nothing_is_exported_to_one(bucket, tmp_path):
    with pytest.raises(OutputError, match=r"cannot be linked; say --copy"):
        benkit.export("s3://bucket/archive", tmp_path / "out")
    with pytest.raises(OptionError, match="expected a folder on this machine"):
        benkit.export(bucket, "s3://bucket/out")


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
