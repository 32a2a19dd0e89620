import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benkit.inventory.scanning.moments import Moments, measure, measure_rows

integer_types = st.sampled_from(["uint8", "uint16", "uint32", "int8", "int16", "int32"])
small_shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)


def by_hand(pixels, nodata) -> Moments:
    """Moments with Python's unbounded integers, one pixel at a time."""
    values = [int(value) for value in pixels.reshape(-1).tolist()]
    valid = [value for value in values if nodata is None or value != nodata]
    return Moments(
        valid=len(valid),
        nodata_count=len(values) - len(valid),
        sum=sum(valid),
        sum_sq=sum(value * value for value in valid),
        min=min(valid, default=None),
        max=max(valid, default=None),
    )


@given(
    integer_types.flatmap(lambda dtype: hnp.arrays(dtype, small_shapes)),
    st.sampled_from([None, 0, 1, 255]),
)
def test_equals_python_integers(pixels, nodata):
    assert measure(pixels, nodata) == by_hand(pixels, nodata)


@given(
    st.sampled_from(["uint8", "uint16", "int16"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=70))
    ),
    st.sampled_from([None, 0, 7, 0.4, -0.4, 1.5, float("nan"), 1e300]),
)
def test_many_at_once_equal_one_at_a_time(rows, nodata):
    many = measure_rows(rows, nodata)
    for index, row in enumerate(rows):
        one = measure(row, nodata)
        assert (many.valid[index], many.nodata_count[index]) == (one.valid, one.nodata_count)
        assert (many.sum[index], many.sum_sq[index]) == (one.sum, one.sum_sq)
        if one.valid:
            assert (many.min[index], many.max[index]) == (one.min, one.max)


@pytest.mark.parametrize(("nodata", "value"), [(0.4, 0), (-0.4, 0), (1.9, 1), (-1.5, -1)])
def test_a_fraction_of_the_value_is_cut_off_also_where_all_pixels_are_no_data(nodata, value):
    rows = np.array([[value] * 4, [value, 5, 6, 7], [5, 6, 7, 8]], np.int16)
    assert measure_rows(rows, nodata).valid.tolist() == [0, 3, 4]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int32"])
@pytest.mark.parametrize("extreme", ["min", "max"])
def test_a_whole_sentinel_band_of_extreme_values_is_exact(dtype, extreme):
    side = 10_980
    value = getattr(np.iinfo(dtype), extreme)
    pixels = np.broadcast_to(np.array(value, dtype), (side, side))
    moments = measure(pixels, None)
    assert moments.sum == side * side * int(value)
    assert moments.sum_sq == side * side * int(value) ** 2


@pytest.mark.parametrize(
    ("side", "dtype"), [(120, "uint16"), (60, "uint16"), (1024, "uint16"), (120, "int16")]
)
def test_rows_of_extreme_values_are_exact(side, dtype):
    value = np.iinfo(dtype).max if dtype == "uint16" else np.iinfo(dtype).min
    moments = measure_rows(np.full((2, side * side), value, dtype), None)
    assert moments.sum.tolist() == [side * side * int(value)] * 2
    assert moments.sum_sq.tolist() == [side * side * int(value) ** 2] * 2


@given(hnp.arrays("float32", small_shapes))
def test_floating_point_pixels_get_correctly_rounded_sums(pixels):
    valid = [float(v) for v in pixels.reshape(-1).tolist() if math.isfinite(v) and v != 0]
    moments = measure(pixels, 0)
    assert moments.valid == len(valid)
    assert moments.sum == math.fsum(valid)
    assert moments.sum_sq == math.fsum(v * v for v in valid)


ROWS = {
    "decibels": np.random.default_rng(1).normal(-12, 4, (12, 14400)),
    "decibels and zeros": np.random.default_rng(2).normal(0, 9, (12, 600)).round(1),
    "of any size": np.random.default_rng(3).normal(0, 1, (40, 600))
    * 10.0 ** np.random.default_rng(4).integers(-45, 38, (40, 600)),
    "near zero": np.random.default_rng(5).normal(0, 1e-3, (9, 9973)),
    "all zero": np.zeros((3, 7)),
    "a pixel": np.random.default_rng(6).normal(0, 1, (50, 1)),
    "greatest": np.full((2, 600), np.finfo("f4").max),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("nodata", [None, 0, 1.5, math.nan, -3.4e38])
def test_many_floating_point_rows_equal_one_at_a_time_bit_for_bit(name, nodata):
    rows = ROWS[name].astype(np.float32)
    rows[0, 0] = np.nan
    rows[-1, -1] = -np.inf
    if nodata is not None:
        rows[len(rows) // 2] = nodata
    many = measure_rows(rows, nodata)
    for index, row in enumerate(rows):
        one = measure(row, nodata)
        fields = [one.valid, one.nodata_count, one.sum, one.sum_sq]
        found = [many.valid, many.nodata_count, many.sum, many.sum_sq]
        if one.valid:
            fields, found = [*fields, one.min, one.max], [*found, many.min, many.max]
        assert [repr(float(values[index])) for values in found] == [repr(float(f)) for f in fields]


@given(hnp.arrays("float32", small_shapes), st.sampled_from([None, 0, 1]))
def test_any_floating_point_rows_equal_one_at_a_time(rows, nodata):
    many = measure_rows(rows, nodata)
    for index, row in enumerate(rows):
        one = measure(row, nodata)
        assert (many.valid[index], many.sum[index], many.sum_sq[index]) == (
            one.valid, one.sum, one.sum_sq,
        )  # fmt: skip


def test_types_and_values_that_cannot_be_measured():
    with pytest.raises(TypeError, match="complex64"):
        measure(np.ones(3, np.complex64), None)
    with pytest.raises(OverflowError):
        measure(np.full(3, 1e200), None)
