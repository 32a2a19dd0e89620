"""An export with metadata of more patches than are held: the same files as if all were held."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import benkit
from benkit.datasets.exporting import part_metadata
from benkit.datasets.exporting.download_again import download_again
from benkit.datasets.selection import TO_DOWNLOAD_AGAIN, Selection
from benkit.errors import InputFormatError
from benkit.files.tables import parquet, parquet_blocks
from benkit.files.tables.parquet_blocks import write_parquet_blocks
from benkit.metadata import metadata_rows
from benkit.metadata.metadata import as_metadata
from benkit.metadata.metadata_rows import MetadataRows
from tests.making import PRODUCT, Archive

IDS = [f"{PRODUCT}_00_{row:02d}" for row in range(4)]


@pytest.fixture(scope="module")
def large(many_rows):
    """Metadata of a few more patches than are held whole, of which four are on disk."""
    rows = many_rows + 10
    names = [f"patch {number}" for number in range(rows)]
    for place, patch in zip((7, 0, rows - 1, rows // 2), IDS, strict=True):
        names[place] = patch
    number = np.arange(rows)
    labels = pa.array([["Pastures"], ["Inland waters", "Pastures"], []]).take(pa.array(number % 3))
    cloud = pa.array(number % 5).dictionary_encode()
    columns = {"mine": number, "patch_id": pa.array(names), "Cloud": cloud, "labels": labels}
    return pa.table(columns | {"split": pa.array(["train", None]).take(pa.array(number % 2))})


@pytest.fixture(scope="module")
def made(large, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    archive = Archive(folder / "archive")
    for patch in IDS:
        archive.patch(patch)
    benkit.scan(archive.root, folder / "inventory.parquet", engine=benkit.Engine(workers=1))
    pq.write_table(large, folder / "metadata.parquet", compression="zstd", row_group_size=100_000)
    return folder


def exported(made, target, metadata, **choices):
    done = benkit.export(made / "inventory.parquet", target, metadata=metadata, **choices)
    return done, (target / "metadata.parquet").read_bytes()


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"where": "cloud < 3 AND list_contains(labels, 'Pastures')"},
        {"sample": 2},
        {"split": {"train": IDS[:2], "test": IDS[2:3]}},
        {"split": {"train": IDS[:2], "test": IDS[2:3]}, "format": "arrow"},
        {"card": True},
    ],
)
def test_metadata_of_a_large_file_are_as_if_all_were_held(
    made, large, tmp_path, choices, monkeypatch
):
    found = exported(made, tmp_path / "found", made / "metadata.parquet", **choices)
    for module in (parquet, metadata_rows):
        monkeypatch.setattr(module, "MANY_ROWS", 2 * len(large))
    held = exported(made, tmp_path / "held", made / "metadata.parquet", **choices)
    assert found == held
    rows = pq.read_table(tmp_path / "found" / "metadata.parquet")
    assert {*rows.column_names} == {*large.column_names}
    places = rows["mine"].to_pylist()
    assert places == sorted(places) and 2 <= len(places) == found[0].patches <= 4
    assert rows["patch_id"].to_pylist() == large["patch_id"].take(places).to_pylist()


def test_columns_of_several_files_are_put_together(made, tmp_path):
    more = pa.table({"patch_id": ["another"], "labels": [["Pastures"]], "theirs": [1.5]})
    pq.write_table(more, tmp_path / "more.parquet")
    sources = [tmp_path / "more.parquet", made / "metadata.parquet"]
    done, _ = exported(made, tmp_path / "out", sources)
    rows = pq.read_table(tmp_path / "out" / "metadata.parquet")
    assert rows.column_names == ["patch_id", "labels", "theirs", "mine", "Cloud", "split"]
    assert (len(rows), rows["theirs"].null_count, rows["mine"].null_count) == (4, 4, 0)
    assert done.warnings == ()


def test_metadata_that_change_while_they_are_read_are_refused(large, tmp_path):
    path = tmp_path / "metadata.parquet"
    pq.write_table(large, path)
    rows = MetadataRows.of(path, as_metadata(path, others=[]))
    assert sum(len(block) for block in rows.blocks()) == len(large)
    pq.write_table(large[1:], path)
    with pytest.raises(InputFormatError, match="do not change metadata while they are read"):
        list(rows.blocks())
    path.write_bytes(path.read_bytes()[:-100_000] + path.read_bytes()[-90_000:])
    with pytest.raises(InputFormatError, match=r"metadata.parquet: expected a whole Parquet file"):
        list(rows.blocks())


def test_rows_of_an_export_that_cannot_be_held_are_refused_where_they_have_to_be(
    made, tmp_path, monkeypatch
):
    monkeypatch.setattr(part_metadata, "LARGEST_TABLE", 100)
    with pytest.raises(InputFormatError, match=r"metadata.parquet: .* exported patches are larger"):
        exported(made, tmp_path / "card", made / "metadata.parquet", card=True)
    exported(made, tmp_path / "out", made / "metadata.parquet")


def test_groups_of_long_rows_are_small(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_blocks, "_LARGEST_GROUP", 10_000)
    block = pa.table({"a": ["x" * 3000] * 2})
    assert write_parquet_blocks([block] * 20, tmp_path / "long.parquet") == 40
    file = pq.ParquetFile(tmp_path / "long.parquet")
    assert file.read()["a"].to_pylist() == ["x" * 3000] * 40
    assert max(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)) <= 6


@given(st.lists(st.integers(0, 25), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_file_has_the_same_bytes_however_its_rows_come(tmp_path_factory, lengths):
    folder = tmp_path_factory.mktemp("cut")
    number = np.arange(sum(lengths))
    table = pa.table({"a": number, "b": pa.array(["x", None, "yz"]).take(pa.array(number % 3))})
    starts = np.cumsum([0, *lengths])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_blocks, "PARQUET_GROUP", 10)
        blocks = [table[start:end] for start, end in pairwise(starts)]
        assert write_parquet_blocks(blocks, folder / "cut.parquet") == len(table)
        write_parquet_blocks([table], folder / "whole.parquet")
    assert (folder / "cut.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    assert pq.read_table(folder / "cut.parquet").equals(table)
    groups = pq.ParquetFile(folder / "cut.parquet").num_row_groups
    assert groups == max(1, -(-len(table) // 10))


PATCHES = [f"{PRODUCT}_{row:02d}_00" for row in range(4)] + ["a_b", "b"]
FINDINGS = st.lists(
    st.tuples(
        st.sampled_from([*PATCHES, None]),
        st.sampled_from(["B01", "B02", "B8A", "", None]),
        st.sampled_from([*TO_DOWNLOAD_AGAIN[:3], "not_on_disk", "not_part_of_dataset"]),
    ),
    max_size=30,
)


@given(FINDINGS, st.sets(st.sampled_from(PATCHES)))
def test_what_to_download_again_is_what_findings_name_by_hand(findings, wanted):
    expected = []
    for patch in PATCHES:
        of_patch = [(band, kind) for one, band, kind in findings if one == patch]
        kinds = {kind for _, kind in of_patch if kind in TO_DOWNLOAD_AGAIN}
        bands = {band or "" for band, kind in of_patch if kind in TO_DOWNLOAD_AGAIN}
        if kinds and patch in wanted:
            product = "_".join(patch.split("_")[:-2]) or patch.split("_")[0]
            named = "" if "" in bands else ";".join(sorted(bands))
            expected.append((product, patch, named, ";".join(sorted(kinds))))
    columns = list(zip(*findings, strict=True)) or [[], [], []]
    names = ("patch_id", "band", "kind")
    texts = {name: pa.array(one, pa.string()) for name, one in zip(names, columns, strict=True)}
    found = download_again(pa.table(texts), pa.array(sorted(wanted), pa.string()))
    assert found.column_names == ["product", "patch_id", "bands", "kinds"]
    assert [tuple(row.values()) for row in found.to_pylist()] == sorted(expected)


STEPS = st.lists(
    st.tuples(st.sampled_from(["no", "other", "why"]), st.sets(st.integers(0, 7))), max_size=5
)


@given(STEPS)
def test_the_first_reason_to_leave_a_patch_out_counts(steps):
    ids = [f"p{number}" for number in range(8)]
    selection = Selection.of_all(pa.array([*ids, *ids[:3]]))
    why = dict.fromkeys(ids, "")
    for number, (text, rows) in enumerate(steps):
        for row in rows:
            why[ids[row]] = why[ids[row]] or text
        named = [ids[row] for row in rows]
        others = [one for one in ids if one not in named]
        if number % 2:
            selection = selection.among(others, text)
        else:
            reasons = {"patch_id": pa.array(named, pa.string()), "why": [text] * len(named)}
            selection = selection.without(pa.table(reasons).cast(_TEXTS))
    gone = [(one, text) for one, text in why.items() if text]
    assert selection.chosen_ids.to_pylist() == [one for one, text in why.items() if not text]
    assert selection.left_out_ids.to_pylist() == [one for one, _ in gone]
    assert [tuple(row.values()) for row in selection.left_out.to_pylist()] == gone
    texts = [text for _, text in gone]
    counted = sorted(dict.fromkeys(texts), key=texts.count, reverse=True)
    assert selection.reasons == "; ".join(f"{texts.count(text)} {text}" for text in counted)


_TEXTS = pa.schema([("patch_id", pa.string()), ("why", pa.string())])
