"""When patches were taken, from a column of dates."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.seasons import SEASONS, season_of_month
from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.files.tables.table import is_text
from benkit.metadata.categories import Categories
from benkit.metadata.patch_list import is_no_value

DATE_COLUMNS = ("date", "acquisition_date", "timestamp", "datetime", "sensing_time")
"""Columns of dates; the first of them that a table has counts."""

_DATE = r"^(?:19|20)\d\d-?(?P<month>0[1-9]|1[0-2])(?:-?(?:0[1-9]|[12]\d|3[01])(?:[T _].*)?)?$"


def date_seasons(table: pa.Table) -> Categories:
    """The season of each patch by the month of its date; no seasons without a column of dates.

    Dates are dates or times of Arrow, or texts and numbers that begin with year and month, as
    ``2018-02-28T09:50:31`` or ``20180228`` do. A patch without one has no season.
    """
    names = {name.strip().lower(): name for name in reversed(table.column_names)}
    name = next((names[name] for name in DATE_COLUMNS if name in names), None)
    if name is None:
        return Categories((), np.zeros(0, np.int64), np.zeros(0, np.int64))
    months = _months(table, name)
    known = pc.is_valid(months).to_numpy(zero_copy_only=False)
    season = np.array([SEASONS.index(season_of_month(month)) for month in range(1, 13)], np.int64)
    return Categories(
        SEASONS, np.flatnonzero(known), season[months.drop_null().to_numpy().astype(int) - 1]
    )


def _months(table: pa.Table, name: str) -> pa.Array:
    """The month of each date, 1 to 12; null where there is none."""
    dates = table[name].combine_chunks()
    if pa.types.is_timestamp(dates.type) or pa.types.is_date(dates.type):
        return pc.month(dates)
    if not (is_text(dates.type) or pa.types.is_integer(dates.type) or pa.types.is_null(dates.type)):
        raise InputFormatError(
            f"expected dates in the column {name}, as times or texts, but its type is {dates.type}"
        )
    texts = pc.utf8_trim_whitespace(dates.cast(pa.string()))
    texts = pc.if_else(is_no_value(texts), None, texts)
    found = pc.extract_regex(texts, _DATE)
    wrong = pc.and_(pc.is_valid(texts), pc.is_null(found))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise InputFormatError(
            f"expected dates such as 2018-02-28 or 20180228 in the column {name}, but the row of "
            f"{some_names([table['patch_id'][row].as_py()])} has {some_names([texts[row].as_py()])}"
        )
    return pc.struct_field(found, "month").cast(pa.int64())
