"""Meteorological seasons of the northern hemisphere."""

SEASONS = ("spring", "summer", "fall", "winter")
"""The seasons in the order in which all output lists them."""


def season_of_month(month: int) -> str:
    """Season of a month, 1 to 12: spring from March, summer from June, fall from September, winter.

    Examples
    --------
    >>> [season_of_month(month) for month in (2, 3, 5, 6, 8, 9, 11, 12)]
    ['winter', 'spring', 'spring', 'summer', 'summer', 'fall', 'fall', 'winter']
    """
    if not 1 <= month <= 12:
        raise ValueError(f"a month is 1 to 12, not {month}")
    return SEASONS[(month - 3) % 12 // 3]
