"""Every verb, given tables of pyarrow, pandas, polars and DuckDB, and what is none of these."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit


def relation_of(table):
    return duckdb.from_arrow(table)


def result_of(table):
    """A result that is read once, batch by batch."""
    return duckdb.from_arrow(table).filter("true").to_arrow_reader()


LIBRARIES = {
    "pyarrow": lambda table: table,
    "pandas": pa.Table.to_pandas,
    "pandas of Arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.DataFrame,
    "DuckDB relation": relation_of,
    "DuckDB result": result_of,
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    """Makes a table of one library."""
    return LIBRARIES[request.param]


def test_metadata_of_every_library_give_the_same_answers(library, metadata, table, inventory):
    assert benkit.summary(library(table)) == benkit.summary(metadata)
    assert (
        benkit.footprints(library(table)).table["geometry"]
        == (benkit.footprints(metadata).table["geometry"])
    )
    assert benkit.overlaps(library(table), areas=True).table.to_pylist() == (
        benkit.overlaps(metadata, areas=True).table.to_pylist()
    )
    assert benkit.split(library(table)).sides() == benkit.split(metadata).sides()
    assert [one.sides() for one in benkit.folds(library(table), 2)] == (
        [one.sides() for one in benkit.folds(metadata, 2)]
    )
    assert benkit.audit(inventory, library(table)) == benkit.audit(inventory, metadata)
    assert benkit.web_map(library(table)) == benkit.web_map(metadata)


def test_metadata_of_every_library_are_compared_and_shown(
    library, sample, metadata, table, archive
):
    maps = sample / "geoparquets"
    assert benkit.labels(maps, metadata=library(table)) == benkit.labels(maps, metadata=metadata)
    known = set(table["patch_id"].to_pylist())
    folder = next(folder for folder in sorted(archive.glob("*/*")) if folder.name in known)
    by_path = benkit.inspect(folder, metadata=metadata)
    assert (
        benkit.inspect(folder, metadata=library(table)).metadata["labels"]
        == (by_path.metadata["labels"])
    )


def test_an_inventory_of_every_library_gives_the_same_answers(library, inventory, metadata):
    rows = pq.read_table(inventory)
    assert benkit.stats(library(rows)) == benkit.stats(inventory)
    assert benkit.audit(library(rows), metadata) == benkit.audit(inventory, metadata)


def test_a_split_of_every_library_is_the_same_split(library, inventory, metadata):
    made = benkit.split(metadata, validation=0.2)
    column = pa.table({"patch_id": made.patch_ids, "split": made.side.tolist()})
    assert benkit.evaluate(library(column), metadata) == made.evaluation
    assert benkit.stats(inventory, split=library(column), side="train") == (
        benkit.stats(inventory, made.sides()["train"])
    )
    assert benkit.web_map(metadata, sides=library(column)) == benkit.web_map(metadata, sides=made)


def test_a_split_in_a_column_of_the_metadata_is_judged_by_itself(library, metadata, table):
    made = benkit.split(metadata)
    others = [name for name in table.column_names if name != "split"]
    column = table.select(others).append_column("split", [made.side.tolist()])
    assert benkit.evaluate(library(column)) == made.evaluation


def test_patches_and_findings_of_every_library_are_taken(library, inventory, metadata):
    listed = pa.table({"patch_id": benkit.split(metadata).sides()["test"]})
    assert benkit.stats(inventory, library(listed)) == (
        benkit.stats(inventory, listed["patch_id"].to_pylist())
    )
    audit = benkit.audit(inventory, metadata)
    assert benkit.web_map(metadata, library(audit.findings)) == benkit.web_map(metadata, audit)


def test_values_are_taken_where_tables_are(inventory, metadata, table):
    known = benkit.Metadata(metadata)
    assert benkit.summary(known) == benkit.summary(metadata)
    assert benkit.overlaps(known).pairs.tolist() == benkit.overlaps(table).pairs.tolist()
    assert (
        benkit.overlaps(benkit.footprints(known)).overlapping == benkit.overlaps(known).overlapping
    )
    assert benkit.audit(benkit.Inventory(inventory), known) == benkit.audit(inventory, metadata)


def test_geodataframes_are_taken_where_tables_are(metadata, table, inventory):
    frame = benkit.footprints(metadata).to_geodataframe()
    assert benkit.summary(frame) == benkit.summary(metadata)
    assert benkit.overlaps(frame).pairs.tolist() == benkit.overlaps(metadata).pairs.tolist()
    assert benkit.footprints(frame).table["geometry"] == benkit.footprints(table).table["geometry"]
    ids = frame["patch_id"]
    expected = benkit.stats(inventory, ids.tolist())
    assert benkit.stats(inventory, frame) == expected


SERIES = {
    "pandas": lambda ids: ids.to_pandas(),
    "pandas of Arrow": lambda ids: ids.to_pandas(types_mapper=pd.ArrowDtype),
    "categories": lambda ids: ids.to_pandas().astype("category"),
    "polars": pl.Series,
    "polars categories": lambda ids: pl.Series(ids, dtype=pl.Categorical),
    "NumPy": lambda ids: ids.to_numpy(),
    "chunked array": lambda ids: ids,
    "array": lambda ids: ids.combine_chunks(),
    "dictionary": lambda ids: ids.dictionary_encode(),
}


@pytest.mark.parametrize("series", SERIES)
def test_ids_in_a_series_are_taken_where_lists_are(series, inventory, table):
    ids = table["patch_id"][:10]
    given = SERIES[series](ids)
    assert benkit.stats(inventory, given) == benkit.stats(inventory, ids.to_pylist())
    split = benkit.Split({"train": given, "test": SERIES[series](table["patch_id"][10:])})
    assert split.sides()["train"] == ids.to_pylist()


def test_a_series_is_no_table(table):
    for series in (table["patch_id"].to_pandas(), pl.Series(table["patch_id"]), table["patch_id"]):
        with pytest.raises(benkit.OptionError, match=r"^expected metadata, .* it is of the type "):
            benkit.summary(series)


def test_categories_of_polars_are_texts_also_in_lists(table):
    frame = pl.DataFrame(table).with_columns(
        pl.col("country").cast(pl.Categorical), pl.col("labels").cast(pl.List(pl.Categorical))
    )
    assert benkit.summary(frame) == benkit.summary(table)
    assert benkit.split(frame).sides() == benkit.split(table).sides()


def test_frames_that_arrow_cannot_hold_are_one_clear_error(table, inventory):
    frame = table.to_pandas()
    mixed = frame.assign(odd=[1] * (len(frame) - 1) + ["one"])
    objects = frame.assign(odd=object())
    twice = pd.concat([frame, frame[["country"]]], axis=1)
    for wrong in (mixed, objects, twice):
        for call in (benkit.summary, benkit.split, lambda one: benkit.audit(inventory, one)):
            with pytest.raises(benkit.InputFormatError, match="cannot be read as one: ") as caught:
                call(wrong)
            assert "\n" not in str(caught.value)


def test_the_index_of_a_frame_is_no_column_and_may_be_the_ids(table):
    frame = table.to_pandas()
    assert "__index_level_0__" not in benkit.Metadata(frame[::2]).table.column_names
    assert benkit.summary(frame.set_index("patch_id")) == benkit.summary(table)


WRONG = [5, 5.5, None, [{"patch_id": "a"}], {"patch_id": ["a"]}, print]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_what_is_neither_path_nor_table_is_one_clear_error(wrong, inventory, metadata, tmp_path):
    calls = {
        "summary": lambda: benkit.summary(wrong),
        "footprints": lambda: benkit.footprints(wrong),
        "split": lambda: benkit.split(wrong),
        "folds": lambda: benkit.folds(wrong, 2),
        "report": lambda: benkit.report(wrong),
        "web_map": lambda: benkit.web_map(wrong),
        "overlaps": lambda: benkit.overlaps(wrong),
        "metadata of audit": lambda: benkit.audit(inventory, wrong),
        "source of audit": lambda: benkit.audit(wrong, metadata),
        "stats": lambda: benkit.stats(wrong),
        "scan": lambda: benkit.scan(wrong, tmp_path / "inventory.parquet"),
        "retile": lambda: benkit.retile(wrong, tmp_path / "parts"),
        "patchify": lambda: benkit.patchify(wrong, tmp_path / "archive"),
        "inspect": lambda: benkit.inspect(wrong),
        "labels": lambda: benkit.labels(wrong),
        "sample": lambda: benkit.sample(wrong),
        "read_raster": lambda: benkit.read_raster(wrong),
        "open_patch": lambda: benkit.open_patch(wrong),
        "Inventory": lambda: benkit.Inventory(wrong),
        "Metadata": lambda: benkit.Metadata(wrong),
    }
    if wrong is None:  # an audit needs no metadata
        del calls["metadata of audit"]
    for name, call in calls.items():
        with pytest.raises(benkit.OptionError, match=r"^expected .* it is of the type ") as caught:
            call()
        assert "\n" not in str(caught.value), name


@pytest.mark.parametrize("wrong", [5, [{"patch_id": "a"}], {"train": 5}, {"train": [5]}], ids=repr)
def test_what_is_no_split_is_one_clear_error(wrong, inventory, metadata):
    calls = [
        lambda: benkit.evaluate(wrong, metadata),
        lambda: benkit.stats(inventory, split=wrong, side="train"),
        lambda: benkit.report(metadata, split=wrong),
        lambda: benkit.web_map(metadata, sides=wrong),
    ]
    for call in calls:
        with pytest.raises(benkit.OptionError, match=r"^expected .* it is of the type "):
            call()


NO_IDS = {
    "rows of scikit-learn": (
        [np.int64(3), np.int64(5)],
        "and holds 3, of the type int64; where scikit-",
    ),
    "a mask": ([True, False], "holds True, of the type bool"),
    "bytes": ([b"a"], "of the type bytes"),
    "a null": (["a", None], "of the type NoneType"),
    "not a number": (["a", float("nan")], "of the type float"),
    "a path": ("train.txt", "a list of patch ids, but it is of the type str"),
}


@pytest.mark.parametrize("case", NO_IDS)
def test_a_side_of_something_else_than_ids_is_refused(case, metadata):
    wrong, message = NO_IDS[case]
    for call in (benkit.Split, lambda sides: benkit.evaluate(sides, metadata)):
        with pytest.raises(benkit.OptionError, match=r"^expected the side train, ") as caught:
            call({"train": wrong, "test": ["b"]})
        assert message in str(caught.value)


def test_patches_of_which_none_is_there_are_refused(inventory, table):
    ids = table["patch_id"].to_pylist()
    for wrong in ([f"{ids[0]}/"], [f"{one}.tif" for one in ids], [ids[0].lower()], []):
        with pytest.raises(benkit.InputFormatError, match=f"but none of {len(wrong)}"):
            benkit.stats(inventory, wrong)
    assert benkit.stats(inventory, [ids[0], "other"]).absent == ("other",)


@pytest.mark.parametrize("wrong", [5, [5], [{"patch_id": "a"}]], ids=repr)
def test_what_are_no_patches_are_one_clear_error(wrong, inventory):
    with pytest.raises(benkit.OptionError, match=r"^expected patches, .* it is of the type "):
        benkit.stats(inventory, wrong)


def test_a_table_without_its_column_is_told(inventory, metadata):
    other = pl.DataFrame({"name": ["a"]})
    with pytest.raises(benkit.InputFormatError, match="patches: expected the column patch_id"):
        benkit.stats(inventory, other)
    with pytest.raises(
        benkit.InputFormatError, match="the split: expected a split, with the columns train"
    ):
        benkit.evaluate(other, metadata)
    with pytest.raises(benkit.InputFormatError, match="the table: expected the column patch_id"):
        benkit.overlaps(other)
    with pytest.raises(benkit.InputFormatError, match="the inventory: expected an inventory"):
        benkit.stats(other)
