from fractions import Fraction

import pyarrow as pa
import pytest

from benkit.errors import PatchIdError
from benkit.metadata.metadata_file import read_metadata
from benkit.metadata.summary import summarize


def test_official_metadata(shared_data):
    summary = summarize(read_metadata(shared_data / "metadata.parquet"))
    assert summary.patches == 480_038
    assert dict(summary.seasons) == {
        "spring": 165_098,
        "summer": 102_397,
        "fall": 140_733,
        "winter": 71_810,
    }
    assert round(float(summary.average_num_labels), 4) == 2.9495
    assert summary.maximum_num_labels == 11


def table(**days):
    ids = [
        f"S2A_MSIL2A_2018{day[1:]}T000000_N9999_R022_T33UUP_0{i}_00" for i, day in enumerate(days)
    ]
    labels = pa.array(list(days.values()), pa.list_(pa.string()))
    return pa.table({"patch_id": ids, "labels": labels})


def test_by_hand():
    summary = summarize(
        table(
            d0228=["a"], d0301=["a", "b"], d0531=[], d0601=None, d1130=["c"], d1201=["a", "b", "c"]
        )
    )
    assert dict(summary.seasons) == {"spring": 2, "summer": 1, "fall": 1, "winter": 2}
    assert summary.average_num_labels == Fraction(7, 6)
    assert summary.maximum_num_labels == 3


def test_no_patches_at_all():
    summary = summarize(table())
    assert (summary.patches, summary.average_num_labels, summary.maximum_num_labels) == (0, 0, 0)


def test_an_id_without_a_date_is_named():
    with pytest.raises(PatchIdError, match="'nameless' is no patch id"):
        summarize(pa.table({"patch_id": ["nameless"], "labels": [["a"]]}))
