import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benkit.cli import main
from tests.making import SQUARE, write_map, write_map_tiff

WEST, EAST = shapely.box(0, 0, 300, 1200), shapely.box(300, 0, 1200, 1200)


@pytest.fixture
def maps(tmp_path):
    """A folder of GeoParquet with an archive of GeoTIFFs in it."""
    folder = tmp_path / "maps"
    folder.mkdir()
    write_map(folder, "a", [211, 512], [WEST, EAST])
    write_map(folder, "b", [132, 311], [WEST, EAST])
    codes = np.full((120, 120), 231, np.uint16)
    codes[0, 0] = 111
    write_map_tiff(folder / "Reference_Maps", "c", codes)
    return folder


@pytest.fixture
def metadata(tmp_path):
    path = tmp_path / "metadata.parquet"
    labels = [
        ["Arable land", "Inland waters"],
        ["Broad-leaved forest"],
        ["Pastures", "Inland waters"],
    ]
    pq.write_table(pa.table({"patch_id": ["a", "b", "c"], "labels": labels}), path)
    return path


def test_a_mix_of_maps_and_every_kind_of_table(run_json, maps, tmp_path):
    status, values = run_json("labels", maps, "--output", tmp_path / "labels.csv")
    assert (status, values) == (0, {"patches": 3, "average_num_labels": 5 / 3})
    assert (tmp_path / "labels.csv").read_text().splitlines() == [
        '"patch_id","labels","codes","areas","unlabelled"',
        '"a","Arable land;Inland waters","211;512","360000;1080000",0',
        '"b","Broad-leaved forest","132;311","360000;1080000",0.25',
        '"c","Pastures;Urban fabric","111;231","100;1439900",0',
    ]
    run_json("labels", maps, "--output", tmp_path / "labels.parquet")
    run_json("labels", maps, "--output", tmp_path / "labels.json", "--workers", 1)
    table = pq.read_table(tmp_path / "labels.parquet")
    assert table.to_pylist() == json.loads((tmp_path / "labels.json").read_text())
    assert table.schema.field("areas").type == pa.list_(pa.float64())


def test_shares(run_json, maps):
    values = run_json("labels", maps, "--min-share", 0.3, "--max-unlabelled", 0.25)[1]
    assert values == {"patches": 2, "average_num_labels": 1, "left_out": 1}
    values = run_json("labels", maps, "--max-unlabelled", 0.2501)[1]
    assert values == {"patches": 3, "average_num_labels": 5 / 3, "left_out": 0}


def test_differences_from_metadata(run_json, capsys, maps, metadata, tmp_path):
    differing = [{"patch_id": "c", "missing": ["Inland waters"], "extra": ["Urban fabric"]}]
    options = (maps, "--metadata", metadata, "--differences", tmp_path / "differences.json")
    status, values = run_json("labels", *options)
    assert status == 0
    assert list(values) == [
        "patches", "average_num_labels", "compared", "differing", "not_in_metadata", "without_map",
        "differences",
    ]  # fmt: skip
    assert values["differences"] == differing
    assert json.loads((tmp_path / "differences.json").read_text()) == differing
    assert main(["labels", *map(str, options)]) == 0
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [text.strip() for text in lines[3] if text] == ["differing", "1"]
    assert [text.strip() for text in lines[-1] if text] == ["c", "Inland waters", "Urban fabric"]


def test_differences_without_metadata_are_refused(capsys, maps, tmp_path):
    assert main(["labels", str(maps), "--differences", str(tmp_path / "d.csv")]) == 2
    assert "--differences needs --metadata" in capsys.readouterr().err


def test_an_unknown_code_is_refused_and_nothing_written(capsys, maps, tmp_path):
    write_map(maps, "d", [211, 114], [SQUARE] * 2)
    assert main(["labels", str(maps), "--output", str(tmp_path / "labels.csv")]) == 2
    error = capsys.readouterr().err
    assert "d_reference_map.parquet: " in error
    assert "there is 114" in error
    assert not (tmp_path / "labels.csv").exists()
