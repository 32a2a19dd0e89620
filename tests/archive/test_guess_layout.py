"""Drafts of descriptions: what lies there is scanned without a finding by the draft."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.archive.guess_layout import guess_layout
from benkit.cli import main
from benkit.domain.layouts import built_in, parse_layout
from benkit.engine import Engine
from benkit.errors import InputFormatError

ONE = Engine(workers=1)
REAL = {
    "bigearthnet-s2": "BigEarthNet-S2",
    "bigearthnet-s1": "BigEarthNet-S1",
    "eurosat-ms": "EuroSAT_MS",
    "major-tom": "scene",
}


@pytest.mark.parametrize("name", REAL)
def test_the_draft_of_a_real_archive_scans_it(name, shared_data, tmp_path):
    draft, inventory = tmp_path / "draft.toml", tmp_path / "i.parquet"
    archive = str(shared_data / REAL[name])
    assert main(["scan", archive, "--guess-layout", str(draft)]) == 0
    layout, known = parse_layout(draft.read_text("utf-8"), "draft"), built_in(name)
    sizes = {(band.width, band.height, band.dtype, band.nodata) for band in layout.bands.values()}
    assert sizes == {(b.width, b.height, b.dtype, b.nodata) for b in known.bands.values()}
    assert len(layout.bands) == len(known.bands)
    assert (layout.file, layout.depth) == (known.file, known.depth)
    benkit.scan(archive, inventory, layout=draft, engine=ONE)
    ids = sorted(set(pq.read_table(inventory)["patch_id"].to_pylist()))
    table = pa.table({"patch_id": ids, "labels": [["a"]] * len(ids)})
    assert len(benkit.audit(inventory, table).findings) == 0


def write(path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": 1, "height": 4, "width": 6, "dtype": "int16"} | options
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(np.ones((4, 6), profile["dtype"]), 1)


def test_strange_names_and_damaged_files_give_a_draft_that_can_be_read(tmp_path):
    root = tmp_path / 'my "own" \\ archive'
    for patch in ("a b", "c"):
        for band in ("red", "near infrared"):
            write(root / "x" / patch / f"{patch}_{band}.TIFF", nodata=-1)
    (root / "x" / "a b" / "a b_near infrared.TIFF").write_bytes(b"II*\0")
    layout = parse_layout(guess_layout(root), "draft")
    assert (layout.folder, layout.file) == ("{level_1}/{patch}", "{patch}_{band}.TIFF")
    assert {(b.name, b.width, b.height, b.nodata) for b in layout.bands.values()} == {
        ("red", 6, 4, -1), ("near infrared", 6, 4, -1),
    }  # fmt: skip


def test_nothing_to_describe_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFormatError, match="there is no TIFF"):
        guess_layout(tmp_path / "empty")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.tif").write_bytes(b"no raster")
    with pytest.raises(InputFormatError, match="none of those looked into can be read"):
        guess_layout(tmp_path / "broken")
    with pytest.raises(SystemExit):
        main(["scan", str(tmp_path), "--guess-layout", str(tmp_path / "x.json")])
    assert "expected a name that ends with .toml" in capsys.readouterr().err
    assert main(["scan", str(tmp_path)]) == 2
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize("one_file", [True, False])
def test_files_beside_the_bands_are_in_the_draft_and_go_along_in_exports(tmp_path, one_file):
    root = tmp_path / "archive"
    for patch in ("p1", "p2"):
        folder = root / "x" if one_file else root / "x" / patch
        name = f"{patch}.tif" if one_file else f"{patch}_red.tif"
        write(folder / name, nodata=-1, count=1 + one_file)
        (folder / f"{patch}_labels.json").write_text(f'{{"labels": ["{patch}"]}}')
        (folder / "about.json").write_text("{}")
        (folder / ".DS_Store").touch()
    (root / "x" / "p1" / "notes.txt").touch() if not one_file else None
    text = guess_layout(root)
    layout = parse_layout(text, "draft")
    assert sorted(layout.beside) == ["about.json", "{patch}_labels.json"]
    assert '# labels = "json"\n# labels_file = "about.json"' in text
    (tmp_path / "own.toml").write_text(text.replace('name = "archive"', 'name = "own"'))
    benkit.scan(root, tmp_path / "i.parquet", layout=tmp_path / "own.toml", engine=ONE)
    strays = [row["reason"] for row in benkit.audit(tmp_path / "i.parquet").findings.to_pylist()]
    assert len(strays) == (1 if one_file else 3), strays
    for copy in (False, True):
        made = benkit.export(tmp_path / "i.parquet", tmp_path / f"{copy}", copy=copy)
        files = [path for path in (tmp_path / f"{copy}" / "own").rglob("*.*") if path.is_file()]
        assert made.files == len(files) == (5 if one_file else 6)
        for path in files:
            original = root / path.relative_to(tmp_path / f"{copy}" / "own")
            assert path.read_bytes() == original.read_bytes()
            assert path.samefile(original) is not copy
