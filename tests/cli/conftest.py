"""An archive, metadata and a sample for the verbs, and how tests call them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main
from tests.making import PRODUCT, Archive


@pytest.fixture
def archive(tmp_path):
    """Two patches, of which one lacks a band."""
    archive = Archive(tmp_path / "archive")
    archive.patch(f"{PRODUCT}_00_00", B02=None)
    archive.patch(f"{PRODUCT}_00_01")
    return archive.root


@pytest.fixture
def metadata(tmp_path):
    """Of the two patches."""
    path = tmp_path / "metadata.parquet"
    ids = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01"]
    pq.write_table(pa.table({"patch_id": ids, "labels": [["Pastures"], ["Inland waters"]]}), path)
    return path


@pytest.fixture
def run_json(capsys):
    """Call a verb: exit status and the object printed."""

    def call(*argv):
        capsys.readouterr()
        status = main([*map(str, argv), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return call
