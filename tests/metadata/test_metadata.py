"""The value of metadata: what it is made of, what follows from it, and what is refused."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.errors import InputFormatError, OptionError, PatchIdError
from benkit.ground.distance_plane import planar_centres
from benkit.ground.footprints import locate
from benkit.ground.overlaps import overlapping_pairs
from benkit.metadata.metadata import Metadata
from tests.making import MAP_PRODUCT

IDS = [f"{MAP_PRODUCT}_{column:02d}_03" for column in range(3)]
IDS.append(IDS[0].replace("20170613", "20180108"))
TABLE = pa.table(
    {
        "patch_id": IDS,
        "labels": [["Pastures", "Airports"], [], ["Pastures", "Pastures"], ["Airports"]],
        "country": ["Austria", None, "Ireland", "Austria"],
    }
)


FRAME = TABLE.to_pandas()
TURNED = pd.concat([FRAME, FRAME])[4:].set_index(pd.Index([3, 1, 2, 0]))
FORMS = {
    "pyarrow": lambda: TABLE,
    "pandas": lambda: FRAME,
    "pandas with an index": lambda: TURNED,
    "pandas categories": lambda: FRAME.astype({"country": "category"}),
    "polars": lambda: pl.from_arrow(TABLE),
    "polars categories": lambda: pl.from_arrow(TABLE).cast({"country": pl.Categorical}),
    "duckdb": lambda: duckdb.connect().from_arrow(TABLE),
    "metadata": lambda: Metadata(TABLE),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_table_gives_the_same(form):
    metadata = Metadata(FORMS[form]())
    assert metadata.table.to_pylist() == TABLE.to_pylist()
    assert pl.DataFrame(metadata).equals(pl.from_arrow(TABLE))
    assert repr(metadata) == "Metadata: 4 patches, 2 labels, 2 countries"
    assert len(metadata) == 4
    assert "<table" in metadata._repr_html_()


def test_what_follows_from_it_is_computed_once_and_by_brute_force():
    metadata = Metadata(TABLE)
    assert metadata.footprints is metadata.footprints
    assert metadata.footprints.x.tolist() == locate(IDS).x.tolist()
    assert np.array_equal(metadata.centres, planar_centres(locate(IDS)))
    assert metadata.pairs.tolist() == overlapping_pairs(locate(IDS)).tolist() == [[0, 3]]
    assert metadata.labels.names == ("Airports", "Pastures")
    assert list(zip(metadata.labels.patch, metadata.labels.value, strict=True)) == [
        (0, 0), (0, 1), (2, 1), (3, 0),
    ]  # fmt: skip
    assert metadata.seasons.count().tolist() == [0, 3, 0, 1]
    assert metadata.countries.count().tolist() == [2, 1]
    assert Metadata(TABLE.drop_columns("country")).countries is None


@pytest.mark.parametrize("known", [False, True])
def test_some_patches_are_metadata_too(known):
    metadata = Metadata(TABLE)
    if known:
        assert len(metadata.footprints) == 4
    for some in (
        metadata.filter(np.array([False, True, False, True])),
        metadata.select([IDS[1], IDS[3]]),
    ):
        assert some.patch_ids.to_pylist() == [IDS[1], IDS[3]]
        assert some.footprints.x.tolist() == locate([IDS[1], IDS[3]]).x.tolist()
        assert repr(some) == "Metadata: 2 patches, 1 labels, 1 countries"
    assert metadata.select(reversed(IDS)).patch_ids.to_pylist() == IDS[::-1]
    with pytest.raises(InputFormatError, match="other is not in the metadata"):
        metadata.select(["other"])


def test_places_can_be_given_where_ids_do_not_tell_them():
    table = TABLE.set_column(0, "patch_id", pa.array(list("abcd")))
    metadata = Metadata(table, places=locate(IDS))
    assert metadata.pairs.tolist() == [[0, 3]]
    assert metadata.select("da").pairs.tolist() == [[0, 1]]
    with pytest.raises(PatchIdError, match="'a' is no patch id"):
        Metadata(table).footprints  # noqa: B018
    with pytest.raises(
        InputFormatError, match="a footprint for each of 4 patches, but there are 1"
    ):
        Metadata(table, places=locate(IDS[:1]))


def test_several_files_are_put_together(tmp_path):
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    pq.write_table(TABLE.slice(0, 3).append_column("snow", [[1, 2, 3]]), first)
    pq.write_table(TABLE.slice(3).drop_columns("country"), second)
    metadata = Metadata([first, second])
    assert metadata.patch_ids.to_pylist() == IDS
    assert metadata.table["snow"].to_pylist() == [1, 2, 3, None]
    assert metadata.table["country"].to_pylist() == ["Austria", None, "Ireland", None]
    pq.write_table(TABLE.slice(2), second)
    with pytest.raises(InputFormatError, match=f"{IDS[2]} is in both") as caught:
        Metadata((str(first), second))
    assert str(caught.value).startswith(f"{first} and {second}: ")
    pq.write_table(TABLE.slice(3).append_column("snow", [["much"]]), second)
    with pytest.raises(InputFormatError, match="expected columns that can be put together"):
        Metadata([first, second])
    with pytest.raises(InputFormatError, match="list of files is empty"):
        Metadata([])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (5, "expected metadata, as a path or as a table .* of the type int"),
        ({"patch_id": IDS}, "of the type dict"),
        (TABLE.drop_columns("labels"), "the metadata: expected the column labels"),
        (pa.concat_tables([TABLE, TABLE]), f"{IDS[0]} is repeated"),
        (TABLE.append_column("labels", TABLE["labels"]), "expected one column labels"),
        (TABLE.to_pandas().assign(labels=[["a"], None, [], []]), "the labels of every patch"),
        (TABLE.to_pandas().assign(patch_id=range(4)), "expected strings in the column patch_id"),
    ],
)
def test_what_is_no_metadata_is_refused(table, message):
    with pytest.raises((InputFormatError, OptionError), match=message):
        Metadata(table)


def test_patches_without_any_label_have_a_list_of_any_type():
    frame = pd.DataFrame({"patch_id": IDS, "labels": [[]] * 4})
    assert Metadata(frame).table.schema.field("labels").type == pa.list_(pa.string())
