"""Nothing that comes from elsewhere is run: pickles, templates, extension types, parts of a scan."""

import gzip
import io
import os
import pickle
import shutil
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.reporting.web_map import web_map_page


class Bomb:
    """Makes a folder where it is loaded from a pickle."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.makedirs, (self.folder,)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    benkit.sample(folder / "sample", patches=20)
    (folder / "sample" / "BigEarthNet-v2.0-S2-with-errors").rename(folder / "archive")
    benkit.scan(folder / "archive", folder / "inventory.parquet")
    return folder


@pytest.fixture
def sample(made, tmp_path):
    return shutil.copytree(made, tmp_path / "made")


@pytest.fixture
def pickles(tmp_path):
    """The bytes of a pickle and of an array that holds one; in the end none may have been loaded."""
    ran = tmp_path / "ran"
    file = io.BytesIO()
    np.save(file, np.array([Bomb(ran)], object), allow_pickle=True)
    yield pickle.dumps(Bomb(ran)), file.getvalue()
    assert not ran.exists()


def test_the_bomb_would_be_seen(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


CALLS = {
    "metadata.parquet": "summary {}",
    "metadata.csv": "split {} --output {}.out.csv",
    "patches.csv.gz": "stats inventory.parquet --patches {}",
    "patches.npy": "stats inventory.parquet --patches {}",
    "inventory.parquet": "audit {} --metadata sample/metadata.parquet",
    "split.csv": "evaluate {} --metadata sample/metadata.parquet",
    "split.parquet": "stats inventory.parquet --split {} --side train",
    "footprints.parquet": "overlaps {}",
    "raster.tif": "retile {} --output {}.out",
}


@pytest.mark.parametrize("name", CALLS)
def test_pickles_in_the_place_of_tables_and_rasters_are_refused(
    name, sample, pickles, capsys, monkeypatch
):
    monkeypatch.chdir(sample)
    (sample / "planted").mkdir()
    for content in pickles:
        data = gzip.compress(content) if name.endswith(".gz") else content
        (sample / "planted" / name).write_bytes(data)
        assert main(CALLS[name].replace("{}", f"planted/{name}").split()) == 2
        said = capsys.readouterr().err
        assert f"planted/{name}: " in said
        assert said.count("\n") == 1


def test_pickles_in_the_place_of_bands_and_maps_are_findings(sample, pickles):
    bands = sorted((sample / "archive").glob("*/*/*_B0[12].tif"))[:4]
    for band, content in zip(bands, pickles * 2, strict=True):
        band.write_bytes(content)
    benkit.scan(sample / "archive", sample / "again.parquet")
    unreadable = benkit.Inventory(sample / "again.parquet").query(
        "SELECT count(*) FROM inventory WHERE status = 'unreadable'"
    )
    before = benkit.Inventory(sample / "inventory.parquet").query(
        "SELECT count(*) FROM inventory WHERE status = 'unreadable'"
    )
    assert 0 < unreadable[0][0] - before[0][0] <= 4
    some_map = min((sample / "sample" / "geoparquets").iterdir())
    for content in pickles:
        some_map.write_bytes(content)
        with pytest.raises(benkit.BenkitError, match=some_map.name):
            benkit.labels(sample / "sample" / "geoparquets")


def test_a_planted_state_of_a_scan_is_not_loaded(sample, pickles):
    expected = (sample / "inventory.parquet").read_bytes()
    state = sample / ".inventory.parquet.scan"
    for content in pickles:
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        for name in ("patches.parquet", "00000000000000000001.parquet", "state.pkl", "state.json"):
            (state / name).write_bytes(content)
        benkit.scan(sample / "archive", sample / "inventory.parquet")
        assert (sample / "inventory.parquet").read_bytes() == expected


@pytest.mark.parametrize(
    "name", ["arrow.py_extension_type", "ray.data.arrow_pickled_object", "pandas.interval"]
)
def test_extension_types_by_name_are_not_made(name, sample, pickles):
    """Arrow's own Python type unpickled what stood in a file's schema; Ray's does so with values."""
    metadata = pq.read_table(sample / "sample" / "metadata.parquet")
    planted = {"ARROW:extension:name": name, "ARROW:extension:metadata": pickles[0]}
    column = pa.array([pickles[0]] * len(metadata), pa.binary())
    fields = [field.with_metadata(planted) for field in metadata.schema]
    fields.append(pa.field("planted", pa.binary(), metadata=planted))
    table = pa.table([*metadata.columns, column], schema=pa.schema(fields))
    pq.write_table(table, sample / "planted.parquet")
    try:
        read = benkit.Metadata(sample / "planted.parquet").table
    except InputFormatError:  # of a type that pandas has made known, where it is loaded
        assert "pandas" in sys.modules
        return
    assert benkit.summary(read).patches == len(metadata)
    assert benkit.split(read).sides()["train"]


@pytest.mark.parametrize("most", [3000, 5])
def test_a_label_is_no_template_of_the_web_map(sample, pickles, monkeypatch, most):
    metadata = benkit.Metadata(sample / "sample" / "metadata.parquet").table
    evil = "{{ cycler.__init__.__globals__.os.mkdir(dict(ran=1) | first) }}"
    monkeypatch.chdir(sample.parent)  # where the pickles would make the same folder
    labels = pa.array([[evil]] * len(metadata), pa.list_(pa.string()))
    metadata = metadata.set_column(metadata.column_names.index("labels"), "labels", labels)
    assert "cycler" in web_map_page(metadata, most_patches=most)
