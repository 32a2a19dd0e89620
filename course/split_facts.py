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
from benkit.splits.correlogram import label_correlogram
from benkit.splits.make import split_patches
from course.inputs import BUFFERS, TEST


def random_blocks(metadata: pa.Table, seed: int = 0) -> NDArray[np.bool_]:
    """Whole cells of a grid in random order until a quarter of the patches is reached."""
    cells = planar_centres(locate(metadata["patch_id"])) // BLOCK_METRES
    of_patch = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    order = np.random.default_rng(seed).permutation(of_patch.max() + 1)
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
    "copy_f1", "constant_f1",
)  # fmt: skip


def split_facts(
    metadata: pa.Table, places: Footprints, centres: NDArray[np.float64]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers for JSON, and arrays for the figures."""
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    pairs = overlapping_pairs(places)
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
        }
        arrays[f"test_{name}"] = in_test
        arrays[f"nearest_{name}"] = nearest_distances(centres[in_test], centres[~in_test])
    return {
        "splits": numbers,
        "official": _official(metadata),
        "correlogram": label_correlogram(Metadata(metadata)).to_dict()["classes"],
        "buffers": {str(metres): _buffered(metadata, metres) for metres in BUFFERS},
    }, arrays


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
