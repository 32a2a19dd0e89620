import pickle
from pathlib import Path

import pytest

from benkit.errors import OptionError
from benkit.files.remote.location import RemotePath, as_location


@pytest.mark.parametrize("text", ["archive", "/a/b", "C:\\a", "a:b", "s3:/a", "./x?y=z", "1://a"])
def test_paths_stay_paths(text):
    assert as_location(text) == Path(text)


def test_parts_of_a_uri(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = as_location("s3://bucket/a folder/metadata.csv.gz?region=eu-west-1&anonymous=true")
    assert found == RemotePath(
        "s3", "bucket", "a folder/metadata.csv.gz", (("anonymous", "true"), ("region", "eu-west-1"))
    )
    assert (found.name, found.suffix, found.suffixes) == ("metadata.csv.gz", ".gz", [".csv", ".gz"])
    assert str(found.with_stem("split_1")) == "s3://bucket/a folder/split_1.gz"
    assert str(as_location("gs://bucket") / "a" / "b") == "gs://bucket/a/b"
    assert as_location("GS://anonymous@bucket/x") == as_location("gcs://bucket/x/?anonymous=true")
    assert as_location("file:///a%20b/c") == Path("/a b/c")
    assert as_location("https://host:8443/a%20b/?").path == "a b"
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_endpoint_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert dict(as_location("s3://b/x").options) == {"endpoint_override": "http://127.0.0.1:9000"}
    assert dict(as_location("s3://b/x?endpoint_override=host").options) == {
        "endpoint_override": "host"
    }
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:geheim@127.0.0.1:9000")
    with pytest.raises(OptionError, match="AWS_ENDPOINT_URL") as refused:
        as_location("s3://b/x")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3://user:geheim@bucket/x",
        "https://user:geheim@host/x",
        "https://geheim@host/x",
        "s3://geheim@bucket/x",
        "s3://bucket/x?secret_key=geheim",
        "s3://bucket/x?endpoint_override=http://user:geheim@host",
        "https://host/x?X-Amz-Signature=geheim",
        "abfs://box/x?account_key=geheim",
        "hdfs://user:geheim@host/x",
        "s3://bucket/x?unknown=geheim",
        "https://host/x?a=geheim",
    ],
)
def test_credentials_and_unknown_options_are_refused_and_not_repeated(text):
    with pytest.raises(OptionError) as refused:
        as_location(text)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("text", ["s3://", "gs:///x", "https:///x"])
def test_addresses_without_a_host_are_refused(text):
    with pytest.raises(OptionError, match="expected a"):
        as_location(text)
