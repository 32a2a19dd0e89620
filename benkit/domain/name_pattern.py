"""Names with parts in braces, such as ``{mission}_{date}``, as layouts describe them."""

import re
from functools import lru_cache

PART = re.compile(r"\{(\w+)\}")
"""A part in braces."""

_FORMS = {
    # Many of BigEarthNet v1.0 lack the zero of hours below 10.
    "date": r"(?:\d{8}(?:T\d{5,6})?|\d{4}-\d{2}-\d{2})",
    "tile": r"T?\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2}",
    "column": r"\d{1,4}",
    "row": r"\d{1,4}",
}
"""What the parts of names with these meanings look like; others are any text without a slash."""


@lru_cache
@lru_cache(1024)  # patches of one product come one after the other
def matches(pattern: str, name: str) -> bool:
    """Whether a name has the form of a text with parts in braces."""
    return name_pattern(pattern).fullmatch(name) is not None


@lru_cache
def name_pattern(pattern: str) -> re.Pattern[str]:
    """The regular expression of a text with parts in braces.

    Examples
    --------
    >>> name_pattern("{mission}_{date}").fullmatch("S2A_20170613")["date"]
    '20170613'
    """
    met: set[str] = set()

    def group(name: str) -> str:
        if name in met:
            return f"(?P={name})"
        met.add(name)
        return f"(?P<{name}>{_FORMS.get(name, '[^/]+?')})"

    pieces = PART.split(pattern)
    return re.compile(
        "".join(
            group(piece) if number % 2 else re.escape(piece) for number, piece in enumerate(pieces)
        ),
        re.ASCII,
    )
