import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benkit.errors import PatchIdError
from benkit.footprints import locate
from benkit.spec.patch_id import parse_patch_id
from tests.spec.test_patch_id import EXAMPLE, patch_ids


@given(st.lists(patch_ids, max_size=20))
def test_many_at_once_equal_one_at_a_time(patches):
    places = locate([str(patch) for patch in patches])
    assert len(places) == len(patches)
    for index, patch in enumerate(patches):
        assert places.products[places.product[index]] == patch.product
        assert (places.column[index], places.row[index]) == (patch.column, patch.row)
        one = patch.footprint
        assert (places.epsg[index], places.x[index], places.y[index]) == (one.epsg, one.x, one.y)


def test_official_metadata(shared_data):
    ids = pq.read_table(shared_data / "metadata.parquet", columns=["patch_id"])["patch_id"]
    places = locate(ids)
    for index in range(0, len(ids), 10_007):
        one = parse_patch_id(ids[index].as_py()).footprint
        assert (places.epsg[index], places.x[index], places.y[index]) == (one.epsg, one.x, one.y)
    assert len({product.tile for product in places.products}) == 54
    assert {product.tile.epsg for product in places.products} == set(range(32629, 32637)) - {
        32630, 32632, 32631
    } | {32631, 32632}  # fmt: skip


@pytest.mark.parametrize("wrong", ["", "x", EXAMPLE + "0", EXAMPLE[:-2] + "91", "33_29"])
def test_names_the_first_wrong_id(wrong):
    with pytest.raises(PatchIdError, match="is no patch id"):
        locate([EXAMPLE, wrong, "worse"])


def test_any_arrow_string_type():
    for array in (pa.array([EXAMPLE], pa.large_string()), pa.chunked_array([[EXAMPLE]])):
        assert locate(array).x.tolist() == [339600]
    assert len(locate([])) == 0
