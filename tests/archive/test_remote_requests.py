"""What a scan asks a server for: each file once, and while folders are still listed."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler

import pytest

from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.engine import Engine
from benkit.files.remote.location import as_location
from benkit.files.remote.s3_reader import AwsKeys, signed
from benkit.inventory.scanning.scan import scan
from tests.making import PRODUCT, fill_archive, write_patch
from tests.remote import CREDENTIALS, KEY, SECRET, delaying, s3_server, serving

ONE = Engine(workers=1)


def test_a_scan_gets_each_file_once_and_asks_for_no_size(tmp_path, monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    archive = fill_archive(tmp_path / "served" / "bucket" / "archive", 40)
    scan(archive, tmp_path / "disk.parquet", engine=ONE)
    with delaying(tmp_path / "served", 0) as (address, counts):
        source = f"s3://bucket/archive?endpoint_override={address}"
        scan(source, tmp_path / "far.parquet", engine=ONE)
    assert (tmp_path / "far.parquet").read_bytes() == (tmp_path / "disk.parquet").read_bytes()
    assert counts["GET"] == len(list(archive.glob("*/*/*")))
    assert counts["HEAD"] <= 1  # whether there is an archive


def test_files_are_read_while_folders_are_listed(tmp_path):
    for row in range(3):
        write_patch(tmp_path, f"{PRODUCT}_05_{row:02d}")
    read = threading.Event()

    class Holding(SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path.endswith(".tif"):
                read.set()
            elif self.path.endswith("_05_02/") and not read.wait(5):
                self.send_error(404)
                return
            super().do_GET()

        def log_message(self, *_):
            pass

    with serving(partial(Holding, directory=tmp_path)) as address:
        summary = scan(address, tmp_path / "i.parquet", layout=BIGEARTHNET_S2, engine=ONE)
    assert summary.files == 36


@pytest.mark.parametrize("keys", ["environment", "profile", "those of pyarrow"])
def test_names_are_signed_as_they_are_whoever_holds_the_keys(keys, tmp_path, monkeypatch):
    name = "größe 100% (a+b)~&'=.tif"
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    (tmp_path / "served" / "bucket" / name).write_bytes(b"content")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for variable, value in {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}.items():
        monkeypatch.delenv(variable, raising=False)
        if keys == "environment":
            monkeypatch.setenv(variable, value)
    (tmp_path / "credentials").write_text(
        f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    if keys == "those of pyarrow":
        monkeypatch.setattr("benkit.files.remote.s3_reader._keys_of_profile", lambda: None)
    with s3_server(tmp_path / "served") as address:
        root = as_location(f"s3://bucket?endpoint_override={address}")
        assert (root / name).read_bytes(99) == b"content"


def test_the_token_of_a_session_is_signed_too():
    headers = signed("host", "/b/k", "us-east-1", AwsKeys("key", "secret", "token"))
    assert headers["x-amz-security-token"] == "token"
    assert (
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"
        in (headers["Authorization"])
    )
    assert "secret" not in headers["Authorization"]
