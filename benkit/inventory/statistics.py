"""Mean and standard deviation of the bands, from an inventory."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction

import numpy as np
import pyarrow as pa

from benkit.domain.layout import Band
from benkit.engine.progress import Progress, checks_text, reporter
from benkit.errors import InputFormatError
from benkit.files.tables.table_value import TableValue
from benkit.inventory.baselines import baseline_warnings
from benkit.inventory.scanning.linear_power import (
    MOST_DECIBELS,
    in_unit,
    linear_power,
    require_decibels,
)
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.unread import unread_bands

_TOLERANCE = 1e-9  # relative; the error of rounded sums is far less
_SEMI_JOIN = "SEMI JOIN wanted USING (patch_id)"
_PIXELS = """
SELECT band, sum(valid)::HUGEINT FROM inventory {} WHERE status = 'ok' AND valid > 0 GROUP BY band
"""


@dataclass(frozen=True)
class BandStatistics:
    """Statistics of all valid pixels of a band.

    Attributes
    ----------
    count : int
        Number of valid pixels.
    mean, std : float or None
        Mean and population standard deviation, in the unit of the pixels; None without pixels.
        Integer pixels are added exactly, and only the result is rounded.
    min, max : float or None
    """

    count: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None


@dataclass(frozen=True, repr=False)
class Statistics(TableValue):
    """Statistics of some patches.

    Attributes
    ----------
    bands : mapping of str to BandStatistics
        By band, in the order of the layout.
    absent : tuple of str
        Patches that were asked for but are not in the inventory, sorted.
    warnings : tuple of str
        What makes the numbers doubtful: mixed processing baselines (see `benkit.inventory.baselines`),
        and bands that are not in them (see `benkit.inventory.unread`).
    units : mapping of str to str
        By band, what mean to max are in.
    """

    bands: Mapping[str, BandStatistics]
    absent: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    def _facts(self) -> str:
        absent = f", without {len(self.absent):,} absent patches" if self.absent else ""
        return f"{len(self.bands)} bands{absent}"

    def _batches(self) -> pa.RecordBatchReader:
        rows = [{"band": name, **asdict(band)} for name, band in self.bands.items()]
        return pa.Table.from_pylist(rows).to_reader()

    def _head(self, rows: int) -> tuple[pa.Table, int]:
        return super()._head(max(rows, len(self.bands)))


def band_statistics(
    inventory: Inventory,
    patches: Iterable[str] | None = None,
    scale: str | None = None,
    progress: Progress = None,
) -> Statistics:
    """Statistics of each band over all patches, or over those of some patch ids, each counted once.

    Every valid pixel of every readable band counts, also those of damaged patches. With a ``scale`` of
    ``linear`` they are those of the power 10^(x/10) of bands in decibels.

    Raises
    ------
    OptionError
        If the scale is another, or a band is not in decibels.
    InputFormatError
        If the inventory has no such sums, or impossible ones.
    """
    bands, report = inventory.layout.bands, reporter(progress, checks_text)
    report(0, 3, 0)
    if scale is not None:
        require_decibels(inventory.layout, scale, inventory.name)
        _require_linear_sums(inventory)
    tables = {}
    if patches is not None:
        tables["wanted"] = pa.table({"patch_id": pa.array(sorted(set(patches)), pa.string())})
    chosen = "AND patch_id IN (SELECT patch_id FROM wanted)" if tables else ""
    linear = scale == "linear"
    exact = ("NULL", "NULL") if linear else ("sum(sum)::HUGEINT", "sum(sum_sq)")
    floats = "linear" if linear else "float"
    rows = inventory.query(
        f"""
        SELECT band, sum(valid)::HUGEINT, {", ".join(exact)}, min(min), max(max),
               list({floats}_sum ORDER BY patch_id) FILTER ({floats}_sum IS NOT NULL),
               list({floats}_sum_sq ORDER BY patch_id) FILTER ({floats}_sum_sq IS NOT NULL)
        FROM inventory WHERE status = 'ok' {chosen} GROUP BY band
        """,
        **tables,
    )
    if linear:
        rows = [_in_linear_power(inventory, bands[row[0]], row) for row in rows]
    found = {row[0]: _from_sums(*row[1:]) for row in rows}
    nothing = BandStatistics(0, None, None, None, None)
    statistics = {band: found.get(band, nothing) for band in inventory.layout.band_names}
    report(1, 3, 0)
    absent = _absent(inventory, tables)
    assert {name: band.count for name, band in statistics.items() if band.count} == dict(
        inventory.query(_PIXELS.format(_SEMI_JOIN if tables else ""), **tables)
    ), "each band has the valid pixels of every file of the patches that was read, each file once"
    assert not tables or len(tables["wanted"]) - len(absent) == _present(inventory, tables), (
        "each patch that was asked for is in the inventory or among the absent, not both"
    )
    report(2, 3, 0)
    warnings = baseline_warnings(inventory, chosen, **tables)
    units = {name: "linear power" if linear else _unit(band) for name, band in bands.items()}
    unread = unread_bands(inventory, tables, absent)
    report(3, 3, 0)
    return Statistics(statistics, absent, (*warnings, *unread), units)


def _unit(band: Band) -> str:
    """What the pixels of a band are in, as the file stores them."""
    if (band.scale, band.offset) == (1, 0):
        return "digital numbers" if band.unit == "digital number" else band.unit
    added = f" + {band.offset:g}" if band.offset else ""
    return f"stored numbers: {band.unit} is {band.scale:g} x (number{added})"


def _require_linear_sums(inventory: Inventory) -> None:
    lacking = inventory.query(
        "SELECT count(*), min(patch_id || '_' || band) FROM inventory "
        "WHERE status = 'ok' AND valid > 0 AND (linear_sum IS NULL OR linear_sum_sq IS NULL)"
    )[0]
    if lacking[0]:
        raise InputFormatError(
            f"{inventory.name}: expected sums of linear power, but {lacking[0]:,} bands have none, "
            f"{lacking[1]} among them; scan the archive with --scale linear, or, if it was, leave out "
            f"patches with pixels beyond {MOST_DECIBELS:,} dB"
        )


def _in_linear_power(inventory: Inventory, band: Band, row: tuple) -> tuple:
    """A row of sums with its least and greatest pixel in linear power; refuses impossible sums."""
    name, count, *_, least, greatest, totals, totals_sq = row
    if not count:
        return row
    ends = in_unit(np.array(sorted([least, greatest], reverse=band.scale < 0)), band)
    if not (np.abs(ends) <= MOST_DECIBELS).all():
        raise InputFormatError(
            f"{inventory.name}: {name}: sums of pixels beyond {MOST_DECIBELS:,} dB"
        )
    least, greatest = linear_power(ends).tolist()
    mean, mean_sq = (math.fsum(sums) / count for sums in (totals, totals_sq))
    most = ((greatest - least) / 2) ** 2
    error = _TOLERANCE * greatest**2
    inside = least * (1 - _TOLERANCE) <= mean <= greatest * (1 + _TOLERANCE)
    if not (inside and -error <= mean_sq - mean**2 <= most + error):
        raise InputFormatError(
            f"{inventory.name}: {name}: its sums of linear power do not fit its min, max and number of "
            "valid pixels; scan the archive again"
        )
    return name, count, None, None, least, greatest, totals, totals_sq


def _from_sums(
    count: int,
    total: int | None,
    total_sq: int | None,
    least: float | None,
    greatest: float | None,
    float_totals: list[float] | None,
    float_totals_sq: list[float] | None,
) -> BandStatistics:
    """Statistics from exact sums, without rounding in between.

    Sums of floating-point pixels are rounded, so that their mean may lie just outside their range.
    """
    if not count:
        return BandStatistics(0, None, None, None, None)
    assert least is not None and greatest is not None, "valid pixels have a least and a greatest"
    first = Fraction(int(total or 0)) + sum(map(Fraction, float_totals or ()))
    second = Fraction(int(total_sq or 0)) + sum(map(Fraction, float_totals_sq or ()))
    mean = first / count
    variance = max(second / count - mean**2, Fraction(0))
    clipped = min(max(float(mean), least), greatest)
    error = _TOLERANCE * max(abs(least), abs(greatest))
    assert abs(clipped - mean) <= error, "the mean lies between the least and the greatest pixel"
    std, most = math.sqrt(variance), (greatest - least) / 2
    assert std**2 <= most**2 + error**2 / _TOLERANCE, (
        "the standard deviation is at most half the range of the pixels"
    )
    return BandStatistics(count, clipped, min(std, most), least, greatest)


def _absent(inventory: Inventory, tables: dict[str, pa.Table]) -> tuple[str, ...]:
    if not tables:
        return ()
    rows = inventory.query(
        """
        SELECT patch_id FROM wanted ANTI JOIN
        (SELECT patch_id FROM inventory WHERE band IS NOT NULL) USING (patch_id) ORDER BY patch_id
        """,
        **tables,
    )
    return tuple(patch for (patch,) in rows)


def _present(inventory: Inventory, tables: dict[str, pa.Table]) -> int:
    """How many of the patches that were asked for have a band in the inventory."""
    of_bands = "SELECT patch_id FROM inventory WHERE band IS NOT NULL"
    found = f"SELECT count(*) FROM wanted SEMI JOIN ({of_bands}) USING (patch_id)"
    return int(inventory.query(found, **tables)[0][0])
