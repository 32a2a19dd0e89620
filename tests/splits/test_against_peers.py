"""Splits of random archives of different shape against those of other libraries."""

import pytest

from benkit.splits.make import split_patches
from tests.splits.peers import FIGURES, TEST, dominating, figures_of_all, random_archive


@pytest.mark.parametrize("seed", range(16))
def test_no_peer_is_as_good_in_every_figure_and_better_in_one(seed):
    pytest.importorskip("verde", reason="the development lock is not installed")
    pytest.importorskip("sklearn", reason="the development lock is not installed")
    shape, metadata = random_archive(seed, most=200)
    ours = split_patches(metadata, test=TEST, seed=seed).side == "test"
    figures = figures_of_all(metadata, seed, ours)
    better = dominating(figures)
    assert figures["benkit"][0] == 0
    assert not better, (
        shape,
        better,
        list(FIGURES),
        {name: figures[name] for name in ["benkit", *better]},
    )
