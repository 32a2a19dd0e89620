"""What verbs return: short in a line, shown in a notebook, and tables to whatever reads Arrow."""

import duckdb
import geopandas as gpd
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import benkit


@pytest.fixture(scope="module")
def values(sample, metadata, inventory):
    """Values that are tables, each with the table that it is."""
    audit = benkit.audit(inventory, metadata)
    labels = benkit.labels(sample / "geoparquets")
    overlaps = benkit.overlaps(metadata, areas=True)
    pairs = benkit.overlaps(metadata)
    footprints = benkit.footprints(metadata)
    statistics = benkit.stats(inventory)
    known, split = benkit.Metadata(metadata), benkit.split(metadata, validation=0.2)
    rows = pq.read_table(inventory)
    others = pc.binary_join_element_wise(rows["patch_id"], pa.scalar("again"), "_")
    twice = pa.concat_tables([rows, rows.set_column(0, "patch_id", others)])
    copies, changes = benkit.duplicates(twice), benkit.diff(inventory, twice)
    bands = [{"band": name, **vars(band)} for name, band in statistics.bands.items()]
    return {
        "Audit": (audit, audit.findings),
        "Diff": (changes, changes.table),
        "Duplicates": (copies, copies.table),
        "FootprintTable": (footprints, footprints.table),
        "Inventory": (benkit.Inventory(inventory), pq.read_table(inventory)),
        "Metadata": (known, known.table),
        "Split": (split, split.table),
        "LabelSets": (labels, labels.table),
        "Overlaps": (overlaps, overlaps.table),
        "Overlaps without areas": (pairs, overlaps.table.select(["first", "second"])),
        "Statistics": (statistics, pa.Table.from_pylist(bands)),
    }


NAMES = [
    "Audit",
    "Diff",
    "Duplicates",
    "FootprintTable",
    "Inventory",
    "LabelSets",
    "Metadata",
    "Overlaps",
    "Split",
    "Statistics",
]


@pytest.mark.parametrize("name", [*NAMES, "Overlaps without areas"])
def test_a_value_is_its_table_to_every_library(values, name):
    value, table = values[name]
    rows = table.to_pylist()
    assert rows
    assert pa.table(value).to_pylist() == rows
    assert pl.DataFrame(value).shape == table.shape
    assert pl.DataFrame(value).to_arrow().to_pylist() == rows
    assert pd.DataFrame.from_arrow(value).shape == table.shape
    assert list(pd.DataFrame.from_arrow(value).columns) == table.column_names
    column = table.column_names[0]
    asked = duckdb.sql(f'SELECT "{column}" FROM value').fetchall()
    assert [one for (one,) in asked] == table[column].to_pylist()


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_a_line_and_in_a_notebook_its_first_rows(values, name):
    value, table = values[name]
    assert repr(value).startswith(f"{name}: ")
    assert "\n" not in repr(value)
    assert len(repr(value)) < 400
    html = value._repr_html_()
    assert repr(value) in html
    assert html.count("<tr") == 1 + min(5, len(table))
    assert table.column_names[0] in html


def test_a_notebook_shows_markup_in_names_as_text():
    evil = "<script>alert(1)</script>"
    findings = pa.table({"patch_id": [evil], "band": [evil], "kind": [evil], "reason": [evil]})
    html = benkit.Audit(1, {evil: 1}, findings)._repr_html_()
    assert evil not in html
    assert "&lt;script&gt;" in html


def test_values_without_rows_are_shown_and_read():
    audit = benkit.Audit(0, {}, pa.table({"patch_id": pa.array([], pa.string())}))
    assert audit._repr_html_().startswith("<p>Audit: 0 patches, 0 findings</p>")
    assert pl.DataFrame(audit).shape == (0, 1)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3035"])
def test_footprints_become_a_geodataframe_of_their_squares(metadata, tmp_path, crs):
    found = benkit.footprints(metadata, crs=crs, output=tmp_path / "footprints.parquet")
    frame = found.to_geodataframe()
    written = gpd.read_parquet(tmp_path / "footprints.parquet")
    assert frame.crs == written.crs
    frame, written = (one.sort_values("patch_id", ignore_index=True) for one in (frame, written))
    assert frame["patch_id"].tolist() == written["patch_id"].tolist()
    assert frame.geometry.geom_equals_exact(written.geometry, 0).all()


def test_other_values_are_short_too(archive, inventory, table):
    folder = next(folder for folder in sorted(archive.glob("*/*")) if folder.is_dir())
    raster = benkit.read_raster(next(folder.glob("*_B0[34].tif")))
    evaluation = benkit.split(table).evaluation
    for value in (raster, evaluation, benkit.summary(table), benkit.inspect(folder)):
        assert len(repr(value)) < 1500
        assert "\n" not in repr(value)
