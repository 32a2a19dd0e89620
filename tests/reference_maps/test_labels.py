from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import rasterio.features
import shapely

from benkit.domain.classes import CLC_TO_CLASS, classes_of_codes
from benkit.reference_maps.labels import (
    BUILDERS_MAX_UNLABELLED,
    compare_labels,
    label_sets,
    land_cover_labels,
)
from benkit.reference_maps.land_cover import LandCover, measure_land_cover
from benkit.reference_maps.read import read_reference_maps
from tests.making import SQUARE, write_map


def test_by_hand(tmp_path):
    write_map(tmp_path, "a", [111, 112, 523], [SQUARE] * 3)
    write_map(tmp_path, "b", [999, 132], [SQUARE] * 2)
    write_map(tmp_path, "c", [], [])
    write_map(tmp_path, "d", [312, 211, 312, 142], [SQUARE] * 4)
    labels = label_sets(read_reference_maps(tmp_path))
    assert labels.table.to_pylist() == [
        {"patch_id": "a", "labels": ["Marine waters", "Urban fabric"]},
        {"patch_id": "b", "labels": []},
        {"patch_id": "c", "labels": []},
        {"patch_id": "d", "labels": ["Arable land", "Coniferous forest"]},
    ]
    assert (labels.patches, labels.average_num_labels) == (4, Fraction(4, 4))


def test_many_random_maps_equal_one_at_a_time(tmp_path):
    random = np.random.default_rng(3)
    expected = []
    for number in range(30):
        codes = random.choice(sorted(CLC_TO_CLASS), random.integers(0, 12))
        write_map(tmp_path, f"{number:02d}", codes, [SQUARE] * len(codes))
        expected.append(list(classes_of_codes(codes.tolist())))
    labels = label_sets(read_reference_maps(tmp_path, geometry=False))
    assert labels.table["labels"].to_pylist() == expected
    assert labels.average_num_labels == Fraction(sum(map(len, expected)), 30)


def cover_of(**patches):
    """Land cover from the area of each code of each patch."""
    rows = [
        (number, code, area)
        for number, areas in enumerate(patches.values())
        for code, area in sorted(areas.items())
    ]
    patch, code, area = np.array(rows).T
    return LandCover(tuple(patches), patch.astype("i4"), code.astype("i4"), area.astype(float))


COVER = cover_of(
    a={211: 720_000, 212: 60_000, 512: 660_000},
    b={132: 359_999, 311: 1_080_001},
    c={132: 360_000, 311: 1_080_000},
    d={111: 100, 312: 1_000_000},  # 30 % without a code
    e={999: 1_440_000},
)


def test_table_of_land_cover():
    labels = land_cover_labels(COVER)
    assert (labels.patches, labels.average_num_labels, labels.left_out) == (5, Fraction(6, 5), ())
    assert labels.table.column_names == ["patch_id", "labels", "codes", "areas", "unlabelled"]
    assert labels.table.to_pylist()[0] == {
        "patch_id": "a",
        "labels": ["Arable land", "Inland waters"],
        "codes": [211, 212, 512],
        "areas": [720_000, 60_000, 660_000],
        "unlabelled": 0,
    }
    assert labels.table["labels"].to_pylist()[1:] == [
        ["Broad-leaved forest"], ["Broad-leaved forest"], ["Coniferous forest", "Urban fabric"], [],
    ]  # fmt: skip
    assert labels.table["unlabelled"].to_pylist()[1:] == pytest.approx(
        [359_999 / 1_440_000, 0.25, 439_900 / 1_440_000, 1]
    )


@pytest.mark.parametrize(
    ("min_share", "expected"),
    [
        (0.0, [2, 1, 1, 2, 0]),
        (0.0001, [2, 1, 1, 1, 0]),  # 144 m²
        (660_000 / 1_440_000, [2, 1, 1, 1, 0]),
        (0.46, [1, 1, 1, 1, 0]),  # arable land: 780,000 m², though neither of its codes alone
        (0.6, [0, 1, 1, 1, 0]),
        (0.75, [0, 1, 1, 0, 0]),
        (1.0, [0, 0, 0, 0, 0]),
    ],
)
def test_least_share_of_a_label(min_share, expected):
    labels = land_cover_labels(COVER, min_share=min_share)
    assert [len(names) for names in labels.table["labels"].to_pylist()] == expected
    assert labels.average_num_labels == Fraction(sum(expected), 5)
    assert labels.table.drop(["labels"]).equals(land_cover_labels(COVER).table.drop(["labels"]))


def test_too_much_unlabelled_ground_is_left_out():
    labels = land_cover_labels(COVER, max_unlabelled=BUILDERS_MAX_UNLABELLED)
    assert labels.table["patch_id"].to_pylist() == ["a", "b"]
    assert labels.left_out == ("c", "d", "e")
    assert (labels.patches, labels.average_num_labels) == (2, Fraction(3, 2))
    none = land_cover_labels(COVER, max_unlabelled=0)
    assert (none.patches, none.average_num_labels, len(none.left_out)) == (0, 0, 5)
    assert land_cover_labels(COVER, max_unlabelled=1).left_out == ("e",)


def test_both_ways_to_the_labels_agree(tmp_path):
    random = np.random.default_rng(9)
    for number in range(20):
        codes = random.choice(sorted(CLC_TO_CLASS), random.integers(0, 9))
        write_map(tmp_path, f"{number:02d}", codes, [SQUARE] * len(codes))
    ours = label_sets(read_reference_maps(tmp_path, geometry=False))
    theirs = land_cover_labels(measure_land_cover(tmp_path))
    assert ours.table.equals(theirs.table.select(["patch_id", "labels"]))
    assert ours.average_num_labels == theirs.average_num_labels


def test_comparison_with_metadata():
    metadata = pa.table(
        {
            "patch_id": ["e", "z", "d", "c", "a"],
            "labels": [
                None,
                ["Pastures"],
                ["Pastures", "Urban fabric"],
                ["Broad-leaved forest"],
                ["Inland waters", "Arable land"],
            ],
        }
    )
    found = compare_labels(land_cover_labels(COVER), metadata)
    assert (found.compared, found.not_in_metadata, found.without_map) == (4, 1, 1)
    differing = {"patch_id": "d", "missing": ["Pastures"], "extra": ["Coniferous forest"]}
    assert found.differences.to_pylist() == [differing]
    found = compare_labels(land_cover_labels(COVER, max_unlabelled=0.25), metadata)
    assert (found.compared, found.not_in_metadata, found.without_map) == (4, 1, 1)
    assert found.differences.to_pylist() == [
        {"patch_id": "c", "missing": ["Broad-leaved forest"], "extra": []},
        {"patch_id": "d", "missing": ["Pastures", "Urban fabric"], "extra": []},
    ]
    nothing = compare_labels(land_cover_labels(COVER), metadata.slice(0, 0))
    assert (nothing.compared, nothing.not_in_metadata, len(nothing.differences)) == (0, 5, 0)


def test_the_real_map_gives_the_labels_of_the_metadata(shared_data, tmp_path):
    folder = shared_data / "Reference_Maps"
    (file,) = folder.glob("*/*/*.tif")
    patch = file.stem.removesuffix("_reference_map")
    with rasterio.open(file) as source:
        found = list(rasterio.features.shapes(source.read(1), transform=source.transform))
        shapes = [shapely.geometry.shape(shape) for shape, _ in found]
        write_map(tmp_path, patch, [int(code) for _, code in found], shapes, crs=source.crs)
    metadata = pq.read_table(
        shared_data / "metadata.parquet", filters=[("patch_id", "==", patch)]
    ).select(["patch_id", "labels"])
    assert len(metadata["labels"][0].as_py()) == 4
    assert label_sets(read_reference_maps(tmp_path)).table.to_pylist() == metadata.to_pylist()
    tables = []
    for maps in (folder, tmp_path):
        labels = land_cover_labels(measure_land_cover(maps), max_unlabelled=BUILDERS_MAX_UNLABELLED)
        assert labels.table.select(["patch_id", "labels"]).to_pylist() == metadata.to_pylist()
        assert compare_labels(labels, metadata).differences.num_rows == 0
        tables.append(labels.table)
    assert tables[0].equals(tables[1])
