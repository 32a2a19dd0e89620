"""Round exact numbers for people."""

from fractions import Fraction


def two_decimals(value: Fraction) -> str:
    """An exact number, not negative, with two decimals; a half goes to the even hundredth.

    It is rounded once, from the fraction: 2.675 has no exact floating-point number, and the closest one
    would be rounded down.

    Examples
    --------
    >>> two_decimals(Fraction(107, 40)), two_decimals(Fraction(2665, 1000)), f"{107 / 40:.2f}"
    ('2.68', '2.66', '2.67')
    """
    hundredths = round(value * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
