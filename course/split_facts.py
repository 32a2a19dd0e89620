"""Four splits of the official metadata, judged alike."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import benkit
from benchmarks.split import BLOCK_METRES, benkit_split, official_split, random_split
from benkit.ground.distance_plane import nearest_distances, planar_centres
from benkit.ground.footprints import Footprints, locate
from benkit.ground.overlaps import overlapping_pairs
from benkit.metadata.metadata import Metadata
from benkit.splits.make import split_patches
from course.inputs import BUFFERS, TEST


def random_blocks(metadata: pa.Table) -> NDArray[np.bool_]:
    """Whole cells of a grid in random order until a quarter of the patches is reached."""
    cells = planar_centres(locate(metadata["patch_id"])) // BLOCK_METRES
    of_patch = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    order = np.random.default_rng(0).permutation(of_patch.max() + 1)
    taken = np.cumsum(np.bincount(of_patch)[order]) <= TEST * len(metadata)
    return np.isin(of_patch, order[taken])


METHODS = {
    "random": random_split,
    "blocks": random_blocks,
    "official": official_split,
    "benkit": benkit_split,
}

_FIGURES = (
    "train", "test", "fraction", "crossing_pairs", "leakage", "median_nearest_train_m", "label_rms",
    "season_deviation", "country_deviation", "label_shares", "country_shares", "regions",
)  # fmt: skip


def split_facts(
    metadata: pa.Table, places: Footprints, centres: NDArray[np.float64]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers for JSON, and arrays for the figures."""
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    pairs = overlapping_pairs(places)
    labels = _label_matrix(metadata)
    numbers: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for name, method in METHODS.items():
        in_test = method(metadata)
        sides = {"train": ids[~in_test].tolist(), "test": ids[in_test].tolist()}
        figures = benkit.evaluate(sides, metadata).to_dict()
        crossing = pairs[in_test[pairs[:, 0]] != in_test[pairs[:, 1]]]
        seen = np.zeros(len(ids), bool)
        seen[np.unique(crossing)] = True
        numbers[name] = {key: figures[key] for key in _FIGURES} | {
            "test_on_train_ground": float(seen[in_test].mean()),
            "copy_f1": _copied_labels(centres, labels, in_test),
            "constant_f1": _constant_labels(labels, in_test),
        }
        arrays[f"test_{name}"] = in_test
        arrays[f"nearest_{name}"] = nearest_distances(centres[in_test], centres[~in_test])
    return {
        "splits": numbers,
        "official": _official(metadata),
        "buffers": {str(metres): _buffered(metadata, metres) for metres in BUFFERS},
    }, arrays


def _label_matrix(metadata: pa.Table) -> NDArray[np.bool_]:
    """Which patch has which label: (patches, labels)."""
    labels = Metadata(metadata).labels
    matrix = np.zeros((len(metadata), len(labels.names)), bool)
    matrix[labels.patch, labels.value] = True
    return matrix


def _copied_labels(
    centres: NDArray[np.float64], labels: NDArray[np.bool_], in_test: NDArray[np.bool_]
) -> float:
    """Micro-averaged F1 of a "model" that copies the labels of the nearest train patch."""
    import shapely

    train = np.flatnonzero(~in_test)
    tree = shapely.STRtree(shapely.points(centres[train]))
    pairs = tree.query_nearest(shapely.points(centres[in_test]))
    first = np.unique(pairs[0], return_index=True)[1]  # of several, the least index
    nearest = np.minimum.reduceat(pairs[1], first)
    return _f1(labels[train[nearest]], labels[in_test])


def _constant_labels(labels: NDArray[np.bool_], in_test: NDArray[np.bool_]) -> float:
    """The same for one that says the same few labels of every patch, the best on the train side."""
    train = labels[~in_test]
    common = np.argsort(-train.sum(0), kind="stable")
    answers = []
    for many in range(1, len(common) + 1):
        answer = np.zeros(labels.shape[1], bool)
        answer[common[:many]] = True
        answers.append((_f1(np.broadcast_to(answer, train.shape), train), answer))
    best = max(answers, key=lambda pair: pair[0])[1]
    test = labels[in_test]
    return _f1(np.broadcast_to(best, test.shape), test)


def _f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float(2 * (said & true).sum() / (said.sum() + true.sum()))


def _official(metadata: pa.Table) -> dict[str, Any]:
    """The official split with its three sides as they are."""
    side = np.array(metadata["split"].to_pylist())
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    sides = {name: ids[side == name].tolist() for name in ("train", "validation", "test")}
    figures = benkit.evaluate(sides, metadata)
    assert figures.validation is not None
    return {
        "train": figures.train,
        "validation": figures.validation.patches,
        "test": figures.test.patches,
        "test_leakage": figures.test.leakage,
        "validation_leakage": figures.validation.leakage,
    }


def _buffered(metadata: pa.Table, metres: int) -> dict[str, Any]:
    split = split_patches(metadata, test=TEST, buffer=metres)
    figures = benkit.evaluate(split.sides(), metadata)
    return {
        "left_out": figures.left_out / len(metadata),
        "train": figures.train,
        "leakage": figures.test.leakage,
        "label_rms": figures.test.label_rms,
    }
