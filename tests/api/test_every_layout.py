"""Every verb on archives of the built-in layouts; other tests hold what the verbs find."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main

REAL = {
    "bigearthnet-s1": "BigEarthNet-S1",
    "eurosat-ms": "EuroSAT_MS",
    "ssl4eo-s12-s1": "SSL4EO-S12/s1",
}


@pytest.mark.parametrize("name", REAL)
def test_every_verb_works_on_every_layout(name, shared_data, tmp_path, monkeypatch, capsys):
    archive = shared_data / REAL[name]
    monkeypatch.chdir(tmp_path)
    run("scan", archive, "--output", "i.parquet")
    said = json.loads(capsys.readouterr().out)
    ids = sorted(set(pq.read_table("i.parquet")["patch_id"].to_pylist()))
    column = "patch_id"
    rows = pa.table({"patch_id": ids, "labels": [["Pastures"]] * len(ids)})
    if name == "bigearthnet-s1":
        column, whole = "s1_name", pq.read_table(shared_data / "metadata.parquet")
        rows = whole.filter(pa.compute.is_in(whole["s1_name"], pa.array(ids)))
    pq.write_table(rows, "m.parquet")
    sides = ["train", "test"][: len(ids)]
    pq.write_table(pa.table({"patch_id": ids, "split": sides}), "s.parquet")
    both = ["--metadata", "i.parquet", "--metadata", "m.parquet"]
    run("audit", "i.parquet", "--metadata", "m.parquet")
    run("stats", "i.parquet")
    run("duplicates", "i.parquet")
    run("diff", "i.parquet", "i.parquet")
    run("summary", "i.parquet", "--metadata", "m.parquet")
    run("footprints", "i.parquet", "--output", "f.parquet")
    run("overlaps", "i.parquet")
    run("report", "i.parquet", *both, "--split", "s.parquet", "--output", "r.html")
    run("map", "i.parquet", *both, "--output", "m.html")
    run("evaluate", "s.parquet", *both)
    run("card", "i.parquet", "--metadata", "m.parquet", "--output", "c.json")
    run("verify", "c.json", "i.parquet", "--metadata", "m.parquet")
    run(
        "export",
        "i.parquet",
        "--archive",
        archive,
        "--metadata",
        "m.parquet",
        "--copy",
        "--output",
        "x",
    )
    assert (said["patches"], pq.read_table("x/metadata.parquet")[column].to_pylist()) == (
        len(ids),
        ids,
    )
    capsys.readouterr()
    lines = {
        "labels": (["labels", archive], "expected reference maps"),
        "split": (
            ["split", "i.parquet", "--metadata", "m.parquet", "--output", "s.csv"],
            "the 1 patch forms 1 unit",
        ),
    }
    for call, line in lines.values() if len(ids) == 1 else ():
        assert main([*map(str, call)]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert line in said


def run(*call):
    assert main([*map(str, call), "--json"]) == 0, call
