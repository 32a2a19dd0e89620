"""What verbs print as JSON, and the files that they write."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benkit.cli import main


def test_summary(run_json, shared_data, tmp_path):
    metadata, output = shared_data / "metadata.parquet", tmp_path / "labels.csv"
    status, values = run_json("summary", metadata, "--output", output)
    assert status == 0
    keys = ["patches", "seasons", "labels", "average_num_labels", "maximum_num_labels"]
    assert list(values) == keys
    assert values["seasons"] == {
        "spring": 165_098, "summer": 102_397, "fall": 140_733, "winter": 71_810,
    }  # fmt: skip
    frame = pq.read_table(metadata, columns=["patch_id", "labels"]).to_pandas().explode("labels")
    counted = frame.groupby("labels").size()
    assert values["labels"] == counted.to_dict()
    month = frame["patch_id"].str[15:17].astype(int)
    names = np.array(["winter", "spring", "summer", "fall"])
    by_season = frame.groupby(["labels", names[month % 12 // 3]]).size()
    written = pd.read_csv(output).set_index("label")
    assert list(written) == ["patches", "spring", "summer", "fall", "winter"]
    assert written["patches"].to_dict() == counted.to_dict()
    for label, season in by_season.index:
        assert written.loc[label, season] == by_season[label, season]
    assert written.iloc[:, 1:].to_numpy().sum() == by_season.sum()


def test_summary_prints_patches_by_label_and_season(metadata, capsys):
    assert main(["summary", str(metadata)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["patches", "spring", "summer", "fall", "winter", "label"] in lines
    assert ["1", "1", "0", "0", "0", "Inland", "waters"] in lines


def test_stats_writes_its_table(run_json, archive, tmp_path):
    output = tmp_path / "stats.csv"
    status, values = run_json("stats", archive, "--output", output, "--workers", "1")
    written = pd.read_csv(output).set_index("band")
    assert status == 0
    assert list(written) == ["count", "mean", "std", "min", "max"]
    assert written.to_dict("index") == values
    with pytest.raises(SystemExit):
        main(["stats", str(archive), "--output", str(tmp_path / "stats.txt")])


def test_labels_and_footprints(run_json, sample, tmp_path):
    folder = sample
    status, values = run_json("labels", folder / "geoparquets", "--output", tmp_path / "l.csv")
    assert (status, list(values), values["patches"]) == (0, ["patches", "average_num_labels"], 60)
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 61
    output = tmp_path / "footprints.parquet"
    status, values = run_json("footprints", folder / "metadata.parquet", "--output", output)
    frame = gpd.read_parquet(output)
    assert (status, values) == (0, {"patches": len(frame)})
    assert frame.crs.to_epsg() == 4326
    for epsg, some in frame.groupby("epsg"):
        bounds = some.to_crs(epsg).bounds
        assert (abs(bounds.minx - some.x) < 1e-3).all()
        assert (abs(bounds.maxy - some.y) < 1e-3).all()
        assert (abs(bounds.maxx - bounds.minx - 1200) < 1e-3).all()


def test_split_and_evaluate(run_json, sample, tmp_path):
    metadata = sample / "metadata.parquet"
    fixed = ["train", "test", "crossing_pairs", "leakage", "median_nearest_train_m", "label_rms"]
    fixed += ["js_divergence_bits", "season_deviation", "country_deviation"]
    for name in ("split.csv", "split.parquet"):
        output = tmp_path / name
        status, made = run_json("split", metadata, "--output", output, "--test", "0.3")
        assert (status, list(made)[:9], made["crossing_pairs"]) == (0, fixed, 0)
        assert run_json("evaluate", output, "--metadata", metadata) == (0, made)
    assert set(pq.read_table(tmp_path / "split.parquet")["split"].to_pylist()) == {"train", "test"}
    call = ["split", metadata, "--output", tmp_path / "fold.csv", "--folds", "3"]
    assert list(run_json(*call)[1]) == ["1", "2", "3"]
    assert sorted(path.name for path in tmp_path.glob("fold*")) == [
        f"fold_{k}.csv" for k in (1, 2, 3)
    ]
    assert main(list(map(str, [*call, "--validation", "0.1"]))) == 2


def test_sample(run_json, tmp_path):
    status, values = run_json("sample", tmp_path / "sample", "--patches", "30", "--seed", "2")
    assert (status, values.pop("patches")) == (0, 30)
    assert all(values.values())


def test_retile(run_json, capsys, real_archive, tmp_path):
    raster = next(real_archive.glob("*/*/*_B02.tif"))
    call = ["retile", raster, "--output", tmp_path / "parts", "--grid", "3x2"]
    assert run_json(*call) == (0, {"files": 6})
    assert main(list(map(str, call))) == 2
    assert "is there already" in capsys.readouterr().err
    assert run_json(*call, "--overwrite") == (0, {"files": 6})
