"""Sentinel-1 beside Sentinel-2: planted errors of each kind are found, and nothing else."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import from_origin

import benkit
from benkit.cli import main
from benkit.domain.patch_names import parse_patch_id
from benkit.engine import Engine
from benkit.errors import InputFormatError
from tests.making import Archive

S2 = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
S1 = "S1A_IW_GRDH_1SDV_20170615T165043"
ONE = Engine(workers=1)


def write_s1(
    root: Path, name: str, place, dtype="float32", size=120, value=-12.5, bands=("VV", "VH")
):
    folder = root / "_".join(name.split("_")[:5]) / name
    folder.mkdir(parents=True)
    profile = {"driver": "GTiff", "count": 1, "height": size, "width": size, "dtype": dtype}
    profile |= {"crs": f"EPSG:{place.epsg}", "transform": from_origin(place.x, place.y, 10, 10)}
    for band in bands:
        with rasterio.open(folder / f"{name}_{band}.tif", "w", **profile) as raster:
            raster.write(np.full((1, size, size), value, dtype))


@pytest.fixture
def sisters(tmp_path):
    """Six patches of each half; both folders, and the metadata that join them."""
    archive, s1 = Archive(tmp_path / "S2"), tmp_path / "S1"
    rows = []
    for row in range(6):
        patch, name = f"{S2}_07_0{row}", f"{S1}_33UUP_7_{row}"
        archive.patch(patch)
        write_s1(s1, name, parse_patch_id(patch).footprint)
        rows.append({"patch_id": patch, "labels": ["Pastures"], "s1_name": name})
    return archive.root, s1, rows


def audited(s2, s1, rows):
    return benkit.audit(s2, pa.Table.from_pylist(rows), s1=s1, engine=ONE)


def found_in(audit):
    return [(one["kind"], one["patch_id"]) for one in audit.findings.to_pylist()]


def test_whole_halves_have_no_finding_and_tell_the_days_between(sisters):
    audit = audited(*sisters)
    assert found_in(audit) == []
    assert audit.days_between == {2: 6}
    assert benkit.audit(sisters[1], pa.Table.from_pylist(sisters[2]), engine=ONE).patches == 6


def test_each_kind_of_fault_between_the_halves_is_found(sisters):
    s2, s1, rows = sisters
    missing, unjoined, moved = (f"{S1}_33UUP_7_{row}" for row in (0, 1, 2))
    for file in (s1 / S1 / missing).iterdir():
        file.unlink()
    (s1 / S1 / missing).rmdir()
    rows[1]["s1_name"] = None
    place = parse_patch_id(f"{S2}_07_03").footprint
    (folder,) = (s1 / S1).glob(moved)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    write_s1(s1, moved, place)
    extra = f"{S1}_33UUP_9_9"
    write_s1(s1, extra, place)
    audit = audited(s2, s1, rows)
    assert sorted(found_in(audit)) == sorted([
        ("without_sister", f"{S2}_07_00"),
        ("without_sister", f"{S2}_07_01"),
        ("sister_elsewhere", f"{S2}_07_02"),
        ("sister_alone", unjoined),
        ("sister_alone", extra),
    ])  # fmt: skip
    assert (audit.counts["without_sister"], audit.counts["sister_alone"]) == (2, 2)
    assert audit.days_between == {2: 4}
    reasons = dict(
        zip(audit.findings["patch_id"].to_pylist(), audit.findings["reason"], strict=True)
    )
    assert f"{missing}, which is not on disk" in reasons[f"{S2}_07_00"].as_py()
    assert f"{place.x}, {place.y}" in reasons[f"{S2}_07_02"].as_py()


def test_faults_of_the_sentinel_1_half_itself_are_found(sisters):
    _, s1, rows = sisters
    names = [f"{S1}_33UUP_8_{row}" for row in range(5)]
    place = parse_patch_id(f"{S2}_08_00").footprint
    write_s1(s1, names[0], place, dtype="int16")
    write_s1(s1, names[1], parse_patch_id(f"{S2}_08_01").footprint, size=119)
    write_s1(s1, names[2], parse_patch_id(f"{S2}_08_02").footprint, bands=("VV",))
    write_s1(s1, names[3], parse_patch_id(f"{S2}_08_03").footprint, value=1234.5)
    write_s1(s1, names[4], place)
    rows = rows + [
        {"patch_id": f"{S2}_08_0{row}", "labels": ["Pastures"], "s1_name": name}
        for row, name in enumerate(names)
    ]
    counts = benkit.audit(s1, pa.Table.from_pylist(rows), engine=ONE).counts
    assert {kind: count for kind, count in counts.items() if count} == {
        "wrong_dtype": 1,
        "wrong_size": 1,
        "missing_band": 1,
        "out_of_range": 1,
        "wrong_georeference": 1,
    }


def test_the_command_line_counts_them_and_ends_with_1(sisters, tmp_path, capsys):
    s2, s1, rows = sisters
    rows[5]["s1_name"] = f"{S1}_33UUP_7_9"
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "m.parquet")
    call = ["audit", str(s2), "--s1", str(s1), "--metadata", str(tmp_path / "m.parquet")]
    assert main([*call, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["without_sister"], found["sister_alone"], found["sister_elsewhere"]) == (1, 1, 0)
    assert found["days_between"] == {"2": 5}
    assert main([*call, "--fail-on", "wrong_size"]) == 0
    assert "5 pairs with their sister patch, 2 days apart" in capsys.readouterr().out
    assert main(["audit", str(s2), "--metadata", str(tmp_path / "m.parquet"), "--json"]) == 0
    assert "without_sister" not in json.loads(capsys.readouterr().out)


def test_what_cannot_be_joined_is_refused(sisters):
    s2, s1, rows = sisters
    with pytest.raises(
        InputFormatError, match="expected an archive of the layout bigearthnet-s1, but"
    ):
        audited(s2, s2, rows)
    with pytest.raises(InputFormatError, match="expected a layout with a sister"):
        audited(s1, s1, rows)
    bare = [{"patch_id": row["patch_id"], "labels": row["labels"]} for row in rows]
    with pytest.raises(InputFormatError, match="expected metadata with the column s1_name"):
        audited(s2, s1, bare)
