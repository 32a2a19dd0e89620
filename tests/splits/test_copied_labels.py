"""F1 of copied and of constant labels, against cases worked out by hand and brute force."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.ground.distance_plane import nearest_points, planar_centres
from benkit.ground.footprints import locate
from benkit.metadata.categories import Categories
from benkit.splits.evaluate import evaluate_split

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
OTHER_DAY = PRODUCT.replace("0613", "0713")


def table(labels: dict[str, str]) -> pa.Table:
    """Metadata whose labels are letters."""
    column = pa.array([list(text) for text in labels.values()], pa.list_(pa.string()))
    return pa.table({"patch_id": pa.array(labels, pa.string()), "labels": column})


def judged(labels: dict[str, str], train: list[str]):
    rest = [patch for patch in labels if patch not in train]
    return evaluate_split(table(labels), {"train": train, "test": rest}).test


def f1(said: list[set[str]], true: list[set[str]]) -> float:
    """Micro-averaged, from its definition."""
    hits = sum(len(one & other) for one, other in zip(said, true, strict=True))
    wrong = sum(len(one - other) for one, other in zip(said, true, strict=True))
    missed = sum(len(other - one) for one, other in zip(said, true, strict=True))
    return 2 * hits / (2 * hits + wrong + missed)


def test_scores_that_were_worked_out_by_hand():
    near, far = f"{PRODUCT}_00_00", f"{PRODUCT}_40_00"
    labels = {near: "AB", far: "A", f"{PRODUCT}_01_00": "AC", f"{PRODUCT}_39_00": "AB"}
    found = judged(labels, [near, far])
    # AB is said of AC, A of AB: two of three said and two of four true labels are met
    assert found.copy_f1 == pytest.approx(2 * 2 / (3 + 4))
    # A alone scores 2 * 2 / (2 + 3) on train, AB 2 * 3 / (4 + 3); on test AB meets three of four
    assert found.constant_f1 == pytest.approx(2 * 3 / (4 + 4))


def test_of_sources_equally_near_the_first_id_counts_whatever_the_order_of_the_rows():
    early, late, test = f"{PRODUCT}_00_00", f"{OTHER_DAY}_00_00", f"{PRODUCT}_03_00"
    assert early < late
    for order in ([early, late, test], [late, test, early]):
        labels = {early: "A", late: "B", test: "A"}
        assert judged({one: labels[one] for one in order}, [late, early]).copy_f1 == 1


def test_there_is_no_score_without_patches_or_labels():
    one, two = f"{PRODUCT}_00_00", f"{PRODUCT}_01_00"
    for labels, train in (
        ({one: "A", two: "A"}, []),
        ({one: "A", two: "A"}, [one, two]),
        ({one: "", two: ""}, [one]),
    ):
        found = judged(labels, train)
        assert (found.copy_f1, found.constant_f1) == (None, None)
    found = judged({one: "", two: "A"}, [one])
    assert (found.copy_f1, found.constant_f1) == (0, None)
    found = judged({one: "A", two: ""}, [one])
    assert (found.copy_f1, found.constant_f1) == (0, 0)


PATCHES = st.dictionaries(
    st.builds(
        "{}_{:02d}_{:02d}".format,
        st.sampled_from([PRODUCT, OTHER_DAY]),
        st.integers(0, 6),
        st.integers(0, 6),
    ),
    st.sets(st.sampled_from("ABCD")).map("".join),
    min_size=4,
    max_size=30,
)


@settings(max_examples=40)
@given(PATCHES)
def test_scores_are_those_of_brute_force(labels):
    train, test = sorted(labels)[::2], [one for one in labels if one not in sorted(labels)[::2]]
    sets = {patch: set(text) for patch, text in labels.items()}
    true = [sets[patch] for patch in test]
    seen = [sets[patch] for patch in train]
    found = judged(labels, train)
    if not any(true) and not any(seen):
        assert (found.copy_f1, found.constant_f1) == (None, None)
        return
    x, y = planar_centres(locate([*train, *test])).T
    copied = []
    for place in range(len(train), len(labels)):
        far = np.hypot(x[: len(train)] - x[place], y[: len(train)] - y[place])
        copied.append(seen[int(np.flatnonzero(far <= far.min() + 1e-6)[0])])
    if any(true) or any(copied):
        assert found.copy_f1 == pytest.approx(f1(copied, true))
    if any(seen):
        often = sorted("ABCD", key=lambda label: (-sum(label in one for one in seen), label))
        answers = [set(often[:many]) for many in range(1, 5)]
        best = max(answers, key=lambda answer: f1([answer] * len(seen), seen))
        assert found.constant_f1 == pytest.approx(f1([best] * len(true), true))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30),
)
def test_of_points_equally_near_the_first_is_taken(points, others):
    points = np.array(points, float).reshape(-1, 2)
    others = np.array(others, float).reshape(-1, 2)
    found, distances = nearest_points(points, others)
    if len(others):
        squares = ((points[:, None] - others[None]) ** 2).sum(2)
        assert found.tolist() == squares.argmin(1).tolist()
        assert np.allclose(distances**2, squares.min(1))
    else:
        assert (found.tolist(), np.isinf(distances).all()) == ([-1] * len(points), True)


@pytest.mark.parametrize("names", [3, 64, 65])
def test_common_labels_are_those_of_sets_however_many_names_there_are(names):
    random = np.random.default_rng(names)
    has = random.random((40, names)) < 0.3
    has[30:] = False
    labels = Categories(tuple(map(str, range(names))), *np.nonzero(has))
    first, second = random.integers(0, 40, (2, 100))
    assert labels.common(first, second) == (has[first] & has[second]).sum()
