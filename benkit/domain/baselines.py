"""Processing baselines of Sentinel-2, which names of products tell, and the offset of digital numbers.

From baseline 04.00 on, 25 January 2022, digital numbers are higher by 1,000 (``BOA_ADD_OFFSET`` and
``RADIO_ADD_OFFSET`` of -1000 in a product's metadata) [1]_. The names of BigEarthNet say N9999, which
tells nothing.

References
----------
.. [1] ESA, Sentinel-2 Products Specification Document, and Processing Baseline 04.00,
   https://sentiwiki.copernicus.eu/web/s2-processing
"""

OFFSET = 1_000
"""What is added to digital numbers from `WITH_OFFSET` on."""

WITH_OFFSET, UNKNOWN = "N0400", "N9999"
"""The first baseline with the offset, and the one that tells nothing."""

ADDED_OFFSET = "added_offset"
"""Column of metadata that tells the offset of a patch's digital numbers, where its name does not."""


def offset_of(baseline: str) -> int | None:
    """The offset of a baseline such as ``N0400``; None if it is not known.

    Examples
    --------
    >>> [offset_of(name) for name in ("N0214", "N0400", "N0510", "N9999")]
    [0, 1000, 1000, None]
    """
    if baseline == UNKNOWN:
        return None
    return OFFSET if baseline >= WITH_OFFSET else 0
