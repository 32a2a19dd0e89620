"""Metadata of more patches than are held whole: little of them is read, and all of it is right."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.api.inputs.places import known_metadata
from benkit.errors import InputFormatError
from benkit.files.tables.parquet import unpacked
from benkit.metadata.patch_list import first_repeated, rows_of

LABELS = [["Pastures"], ["Inland waters", "Pastures"], [], ["Pastures", "Pastures"]]
POSITIONS = [f"_{column:02d}_{row:02d}" for column in range(91) for row in range(91)]
PRODUCTS = [
    f"S2A_MSIL2A_2018{month:02d}01T1010{second:02d}_N9999_R022_T33UUP"
    for month in (2, 3, 6)
    for second in range(60)
]


@pytest.fixture(scope="module")
def large(many_rows):
    """A table of a little more rows than are held whole, with the texts of another archive beside."""
    rows = many_rows + 10
    number = np.arange(rows)
    product = pa.array(PRODUCTS).take(pa.array(number // len(POSITIONS)))
    ids = pc.binary_join_element_wise(
        product, pa.array(POSITIONS).take(pa.array(number % len(POSITIONS))), ""
    )
    country = pa.array(["Austria", None, "Finland"]).take(pa.array(number % 3))
    columns = {"patch_id": ids, "labels": pa.array(LABELS).take(pa.array(number % 4))}
    return pa.table(columns | {"country": country, "s1_name": ids, "cloud": number % 1000})


@pytest.fixture(scope="module")
def path(large, tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "metadata.parquet"
    pq.write_table(large, path, compression="zstd")
    return path


def test_only_what_is_looked_at_is_held_and_it_is_what_the_file_has(large, path):
    known = known_metadata(path, others=["cloud"])
    assert known.table.column_names == ["patch_id", "labels", "country", "cloud"]
    assert known.table.nbytes < 120 * len(large)
    plain = unpacked(known.table)
    for name in ("patch_id", "country", "cloud"):
        assert plain[name].equals(large[name])
    assert plain["labels"][:1000].to_pylist() == large["labels"][:1000].to_pylist()
    with_label = len(large) - (len(large) + 1) // 4
    assert known.labels.names == ("Inland waters", "Pastures")
    assert known.labels.count().tolist() == [(len(large) + 2) // 4, with_label]


def test_a_choice_drops_names_that_no_chosen_patch_has(path):
    known = known_metadata(path, others=[])
    some = known.filter(np.arange(len(known)) % 12 == 0)
    assert (some.labels.names, some.countries.names) == (("Pastures",), ("Austria",))


def test_a_condition_may_ask_about_any_column(large, path):
    told = benkit.summary(path, where="cloud = 999 AND list_contains(labels, 'Pastures')")
    rows = np.flatnonzero((np.arange(len(large)) % 1000 == 999) & (np.arange(len(large)) % 4 != 2))
    assert told.patches == told.labels["Pastures"] == len(rows)
    assert told.with_repeated_labels == (rows % 4 == 3).sum()


def test_a_patch_that_comes_twice_is_refused_by_name(large, path, tmp_path):
    twice = pa.concat_tables([large.select(["patch_id", "labels"]), large[77:78].select([0, 1])])
    pq.write_table(twice, tmp_path / "twice.parquet", compression="zstd")
    with pytest.raises(InputFormatError, match=f"{large['patch_id'][77]}.* is repeated"):
        benkit.summary(tmp_path / "twice.parquet")


def test_rows_of_many_texts_are_those_that_arrow_finds(many_rows):
    ids = pa.array([f"patch {number}" for number in range(many_rows + 1)])
    texts = pa.array(["patch 199999", None, "patch", "patch 0", "patch 0", "patch 7"])
    assert rows_of(texts, ids).equals(pc.index_in(texts, ids))
    twice = pa.concat_arrays([ids, ids[:3]])
    assert rows_of(texts, twice).equals(pc.index_in(texts, twice))
    assert (first_repeated(ids), first_repeated(twice)) == (None, "patch 0")
