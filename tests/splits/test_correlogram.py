"""The correlogram of labels against Moran's I by its definition, over all pairs."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.metadata.metadata import Metadata
from benkit.splits.correlogram import label_correlogram

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
OTHER_DAY = PRODUCT.replace("0613", "0713")
FAR = PRODUCT.replace("T33UUP", "T35ULA")


def archive(labels: dict[str, str]) -> Metadata:
    """Metadata whose labels are letters."""
    column = pa.array([list(text) for text in labels.values()], pa.list_(pa.string()))
    return Metadata(pa.table({"patch_id": pa.array(labels, pa.string()), "labels": column}))


def moran(metadata: Metadata, low: float, high: float) -> tuple[int, float]:
    """Pairs of a class and Moran's I, label by label, with the variances of labels as weights."""
    has = np.array(
        [[name in row for name in "ABCD"] for row in metadata.table["labels"].to_pylist()]
    )
    off = has - has.mean(0)
    x, y = metadata.centres.T
    apart = np.hypot(x - x[:, None], y - y[:, None])
    near = (apart >= low) & (apart < high)
    np.fill_diagonal(near, False)
    variance = (off**2).mean(0)
    covariance = np.array([one @ near @ one for one in off.T]) / near.sum()
    varying = variance > 0
    each = covariance[varying] / variance[varying]
    return int(near.sum()) // 2, float(np.average(each, weights=variance[varying]))


def test_a_correlogram_that_was_worked_out_by_hand():
    ids = [f"{PRODUCT}_00_00", f"{OTHER_DAY}_00_00", f"{PRODUCT}_01_00", f"{PRODUCT}_50_00"]
    found = label_correlogram(archive(dict(zip(ids, ["A", "A", "A", ""], strict=True))))
    rows = found.table.to_pylist()
    # off the mean 3/4 by 1/4, 1/4, 1/4 and -3/4: variance 3/16, covariances 1/16 and -3/16
    assert [row["pairs"] for row in rows] == [1, 2, 3]
    assert [row["correlation"] for row in rows] == [1 / 3, 1 / 3, -1]
    assert [(row["from_m"], row["to_m"]) for row in rows[:2]] == [(0, 884), (884, 1250)]
    assert (rows[0]["mean_m"], round(rows[1]["mean_m"] / 100)) == (0, 12)
    assert not any(row["drawn"] for row in rows)


PATCHES = st.dictionaries(
    st.builds(
        "{}_{:02d}_{:02d}".format,
        st.sampled_from([PRODUCT, OTHER_DAY, FAR]),
        st.integers(0, 40),
        st.integers(0, 5),
    ),
    st.sets(st.sampled_from("ABCD")).map("".join),
    min_size=2,
    max_size=30,
)


@settings(max_examples=40)
@given(PATCHES)
def test_of_few_patches_all_pairs_count(labels):
    known = archive(labels)
    varies = len({tuple(sorted(text)) for text in labels.values()}) > 1
    for row in label_correlogram(known).table.to_pylist():
        if varies:
            pairs, expected = moran(known, row["from_m"], row["to_m"])
            assert row["pairs"] == pairs
            assert row["correlation"] == pytest.approx(expected, abs=1e-9)
        else:
            assert row["correlation"] is None


def many(product: str = PRODUCT) -> dict[str, str]:
    """Blocks of 5 by 5 patches with the same labels, and noise."""
    generator = np.random.default_rng(3)
    blocks = generator.integers(0, 4, (6, 6))
    return {
        f"{product}_{column:02d}_{row:02d}": "ABCD"[
            blocks[column // 5, row // 5] if generator.random() < 0.8 else generator.integers(4)
        ]
        for column in range(30)
        for row in range(30)
    }


def test_pairs_that_are_drawn_tell_what_all_do_whatever_the_order_of_the_rows():
    known = archive(many())
    found = label_correlogram(known)
    rows = found.table.to_pylist()
    assert {row["drawn"] for row in rows} == {False, True}
    for row in rows:
        pairs, expected = moran(known, row["from_m"], row["to_m"])
        error = 3 / np.sqrt(row["pairs"]) if row["drawn"] else 1e-9
        assert row["correlation"] == pytest.approx(expected, abs=error)
        assert row["drawn"] or row["pairs"] == pairs
    assert label_correlogram(archive(dict(reversed(many().items())))).table == found.table


def test_the_leakage_distances_are_edges_of_classes():
    found = label_correlogram(archive(many())).table
    assert {2500, 5000, 10000} <= set(found["from_m"].to_pylist())
    assert found["to_m"].to_pylist()[:-1] == found["from_m"].to_pylist()[1:]


def test_it_says_from_where_on_labels_are_no_longer_alike():
    found = label_correlogram(archive(many()))
    rows = found.table.to_pylist()
    half = next(row["from_m"] for row in rows if row["correlation"] < 0.5)
    tenth = next(row["from_m"] for row in rows if row["correlation"] < 0.1)
    assert (found.below(0.5), found.below(0.1), found.below(-2)) == (half, tenth, None)
    assert found.to_dict() == {"below_half_m": half, "below_tenth_m": tenth, "classes": rows}
    assert repr(found).startswith("Correlogram: labels of patches 0.9 to 1.2 km apart correlate by")
    assert found.sentence.endswith(
        f"from {half / 1000:.1f} km on by less than 0.5, from {tenth / 1000:.0f} km on by less than 0.1"
    )


@pytest.mark.parametrize(
    ("labels", "classes", "why"),
    [
        ({}, 0, "no class of distances has 30 pairs of patches"),
        ({f"{PRODUCT}_00_00": "A"}, 0, "no class of distances has 30 pairs of patches"),
        (
            {f"{PRODUCT}_00_00": "A", f"{PRODUCT}_01_00": ""},
            1,
            "no class of distances has 30 pairs of patches",
        ),
        (dict.fromkeys(many(), "AB"), None, "all patches have the same ones"),
        (dict.fromkeys(many(), ""), None, "all patches have the same ones"),
    ],
)
def test_what_cannot_be_known_is_said(labels, classes, why):
    found = label_correlogram(archive(labels))
    assert found.sentence == f"how labels correlate over distance is not known: {why}"
    assert classes is None or len(found.table) == classes
    assert found.to_dict()["below_half_m"] is None


def test_labels_without_any_relation_are_told_without_a_minus_before_zero():
    days = [f"{month:02d}{day:02d}" for month in range(1, 13) for day in range(1, 26)]
    ids = [f"{PRODUCT.replace('0613', day)}_05_05" for day in days]
    labels = dict(zip(ids, "AAB" * 100, strict=True))
    assert (
        "0 to 0.9 km apart correlate by 0.00, from 0 km"
        in label_correlogram(archive(labels)).sentence
    )
