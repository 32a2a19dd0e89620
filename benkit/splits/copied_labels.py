"""How much of a score is memory: answers that look at no pixel, scored by the micro-averaged F1.

One copies the labels of the nearest train patch, which is what a model does that knows the places by
heart; one gives the same labels for every patch, which knows nothing. None where there is no score:
without patches on either side, or without a label among them.
"""

import numpy as np
from numpy.typing import NDArray

from benkit.metadata.categories import Categories


def copied_f1(
    labels: Categories, patches: NDArray[np.int64], sources: NDArray[np.int64]
) -> float | None:
    """F1 on some patches of the labels of others, one for each of them."""
    each = np.bincount(
        labels.patch, minlength=max(patches.max(initial=0), sources.max(initial=0)) + 1
    )
    return _f1(labels.common(patches, sources), int(each[patches].sum() + each[sources].sum()))


def constant_labels_f1(
    labels: Categories, mine: NDArray[np.bool_], train: NDArray[np.bool_]
) -> float | None:
    """F1 on the patches ``mine`` of the same labels for all: those that score best on ``train``.

    These are its most frequent labels, as many as give the highest score there.
    """
    seen, true = labels.count(train), labels.count(mine)
    order = np.argsort(-seen, kind="stable")
    number = np.arange(1, len(order) + 1)
    scores = 2 * np.cumsum(seen[order]) / (number * train.sum() + seen.sum()).clip(1)
    if not mine.any() or not scores.any():
        return None
    best = int(np.argmax(scores)) + 1
    return _f1(int(true[order[:best]].sum()), int(best * mine.sum() + true.sum()))


def _f1(common: int, both: int) -> float | None:
    """From the number of labels that are said and true, and of those said and of those true."""
    return 2 * common / both if both else None
