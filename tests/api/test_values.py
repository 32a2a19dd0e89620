"""What verbs return: short in a line, shown in a notebook, and tables to whatever reads Arrow."""

import re

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
    few = len(table) if name == "Statistics" else 5
    assert html.count("<tr") == 1 + min(few, len(table))
    assert table.column_names[0] in html


def test_a_notebook_shows_markup_in_names_as_text():
    evil = "<script>alert(1)</script>"
    findings = pa.table({"patch_id": [evil], "band": [evil], "kind": [evil], "reason": [evil]})
    for value in (
        benkit.Audit(1, {evil: 1}, findings),
        benkit.Metadata(
            pa.table({"patch_id": [evil], "labels": [[evil]], "lon": [1.0], "lat": [1.0]})
        ),
        benkit.Split({"train": [evil], "test": ["other"]}),
    ):
        html = value._repr_html_()
        assert evil not in html
        assert "&lt;script&gt;" in html


def test_values_without_rows_are_shown_and_read():
    audit = benkit.Audit(0, {}, pa.table({"patch_id": pa.array([], pa.string())}))
    assert "<p>Audit: 0 patches, 0 findings</p>" in audit._repr_html_()
    assert pl.DataFrame(audit).shape == (0, 1)


def test_what_a_notebook_shows_is_small_loads_nothing_and_follows_its_colours(
    values, archive, table
):
    folder = next(folder for folder in sorted(archive.glob("*/*")) if folder.is_dir())
    shown = [value for value, _ in values.values()]
    shown += [benkit.inspect(folder, metadata=table), benkit.split(table).evaluation]
    for value in shown:
        html = value._repr_html_()
        assert len(html) < 12_000
        assert not re.search(r"https?:|src=|url\(|@import|<script", html)
        style = html.split("<style>")[1].split("</style>")[0]
        assert not re.search(r"(?<![-\w])(color|background): *(#|rgb|white|black)", style), (
            "ink is theirs"
        )
        for part in html.replace("<style>", "").split("<div")[1:]:
            assert part.startswith(' class="benkit')


def test_a_notebook_shows_bands_and_findings_of_an_inspection(archive, inventory, table):
    findings = benkit.audit(inventory, table).findings.to_pylist()
    bad = next(row["patch_id"] for row in findings if row["kind"] == "with_no_data")
    html = benkit.inspect(next(archive.glob(f"*/{bad}")), metadata=table)._repr_html_()
    assert 'class="benkit bad"' in html
    assert f"Inspection: {bad}" in html
    assert "with_no_data" in html
    for band in ("B01", "B8A", "B12"):
        assert f"<td>{band}</td>" in html
    good = sorted(set(table["patch_id"].to_pylist()) - {row["patch_id"] for row in findings})[0]
    html = benkit.inspect(next(archive.glob(f"*/{good}")), metadata=table)._repr_html_()
    assert 'class="benkit good"' in html
    assert "nothing found" in html


def test_a_notebook_shows_the_metrics_of_each_side(table):
    evaluation = benkit.split(table, validation=0.2).evaluation
    html = evaluation._repr_html_()
    assert '<th class="number">validation</th><th class="number">test</th>' in html
    copied = f"{evaluation.validation.copy_f1:.6g}", f"{evaluation.test.copy_f1:.6g}"
    cells = "".join(f'<td class="number">{value}</td>' for value in copied)
    assert f"<td>copy f1</td>{cells}" in html


def test_a_notebook_reads_the_first_rows_of_an_inventory_and_no_more(inventory, tmp_path):
    rows = pq.read_table(inventory)
    file = tmp_path / "inventory.parquet"
    pq.write_table(rows, file, row_group_size=len(rows) // 2)
    shown = benkit.Inventory(file)
    second = pq.ParquetFile(file).metadata.row_group(1)
    start = second.column(0).dictionary_page_offset
    content = bytearray(file.read_bytes())
    content[start : start + 5000] = bytes(5000)
    file.write_bytes(content)
    with pytest.raises(OSError):
        pq.read_table(file)
    html = shown._repr_html_()
    assert html.count("<tr") == 6
    assert f"5 of {len(rows):,} rows" in html
    assert rows["patch_id"][0].as_py() in html


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
