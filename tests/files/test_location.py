import pickle
from pathlib import Path

import pytest

from benkit.errors import OptionError
from benkit.files.remote.location import Location, place


@pytest.mark.parametrize("text", ["archive", "/a/b", "C:\\a", "a:b", "s3:/a", "./x?y=z", "1://a"])
def test_paths_stay_paths(text):
    assert place(text) == Path(text)


def test_parts_of_a_uri(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = place("s3://bucket/a folder/metadata.csv.gz?region=eu-west-1&anonymous=true")
    assert found == Location(
        "s3", "bucket", "a folder/metadata.csv.gz", (("anonymous", "true"), ("region", "eu-west-1"))
    )
    assert (found.name, found.suffix, found.suffixes) == ("metadata.csv.gz", ".gz", [".csv", ".gz"])
    assert str(found.with_stem("split_1")) == "s3://bucket/a folder/split_1.gz"
    assert str(place("gs://bucket") / "a" / "b") == "gs://bucket/a/b"
    assert place("GS://anonymous@bucket/x") == place("gcs://bucket/x/?anonymous=true")
    assert place("file:///a%20b/c") == Path("/a b/c")
    assert place("https://host:8443/a%20b/?").path == "a b"
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_endpoint_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert dict(place("s3://b/x").options) == {"endpoint_override": "http://127.0.0.1:9000"}
    assert dict(place("s3://b/x?endpoint_override=host").options) == {"endpoint_override": "host"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:geheim@127.0.0.1:9000")
    with pytest.raises(OptionError, match="AWS_ENDPOINT_URL") as refused:
        place("s3://b/x")
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
        place(text)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("text", ["s3://", "gs:///x", "https:///x"])
def test_addresses_without_a_host_are_refused(text):
    with pytest.raises(OptionError, match="expected a"):
        place(text)
