from fractions import Fraction

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import rasterio
import rasterio.features
import shapely

from benkit.io.reference_maps import read_reference_maps
from benkit.labels import label_sets
from benkit.spec.nomenclature import CLC_TO_CLASS, classes_of_codes
from tests.io.test_reference_maps import SQUARE, write_map


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


def test_the_real_map_gives_the_labels_of_the_metadata(shared_data, tmp_path):
    (file,) = (shared_data / "Reference_Maps").glob("*/*/*.tif")
    with rasterio.open(file) as source:
        found = list(rasterio.features.shapes(source.read(1), transform=source.transform))
        crs = source.crs
    codes = [int(code) for _, code in found]
    frame = gpd.GeoDataFrame(
        {"DN": codes}, geometry=[shapely.geometry.shape(s) for s, _ in found], crs=crs
    )
    frame.to_parquet(tmp_path / f"{file.stem}.parquet")
    labels = label_sets(read_reference_maps(tmp_path)).table.to_pylist()
    table = pq.read_table(
        shared_data / "metadata.parquet",
        filters=[("patch_id", "==", file.stem.removesuffix("_reference_map"))],
    )
    assert labels == table.select(["patch_id", "labels"]).to_pylist()
    assert len(labels[0]["labels"]) == 4
