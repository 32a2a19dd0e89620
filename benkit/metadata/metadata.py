"""The metadata of an archive: a value of one row a patch, and what follows from it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.seasons import SEASONS
from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.files.tables.table import one_array
from benkit.files.tables.table_value import TableValue
from benkit.ground.coordinates import place_patches
from benkit.ground.distance_plane import centre_degrees, is_european, to_local_plane
from benkit.ground.footprints import Footprints
from benkit.ground.geocentric import geocentric
from benkit.ground.grid import Pairs, sorted_unique
from benkit.ground.overlaps import overlapping_pairs
from benkit.ground.points import Points
from benkit.ground.rectangles import Rectangles
from benkit.metadata.categories import (
    Categories,
    column_categories,
    list_categories,
    pairs_of_one_value,
)
from benkit.metadata.dates import date_seasons
from benkit.metadata.metadata_file import TEXTS, lists_of_texts, metadata_table


@dataclass(frozen=True, eq=False, repr=False)
class Metadata(TableValue):
    """The metadata of an archive; what follows from it is computed once, when it is first asked for.

    Attributes
    ----------
    table : pyarrow.Table
        All columns; ``patch_id`` is a string, unique and never null, ``labels`` a list of strings. It
        is made of a path or URL, of anything with the Arrow PyCapsule interface (pyarrow, pandas,
        polars, DuckDB), or of a list of these, which are put together: the columns of all, nulls where
        one lacks them.
    places : Footprints or Points, optional
        Where the patches lie, in the order of the rows, where neither their ids tell nor coordinates
        (see `benkit.ground.coordinates`); without labels, coordinates give a table empty ones.
    id_column : str
        The column whose texts name the patches in splits, such as ``s1_name`` for a sister archive;
        ``patch_id`` still tells their places. In a table without ``patch_id`` it is both.
    patch_size : float, optional
        Edge in metres of the patches around coordinates of points, which have no extent without it.
    location_column : str, optional
        Column that names the place of which there are patches of several dates: those of one place
        belong together as if they shared ground.

    Raises
    ------
    MissingInputError, InputFormatError
        If a file is not there or damaged, a column is missing or holds something else, or a patch
        comes twice.

    Examples
    --------
    >>> ids = [f"S2A_MSIL2A_20180228T095031_N9999_R079_T34UEG_74_{row}" for row in (13, 14)]
    >>> metadata = Metadata(pa.table({"patch_id": ids, "labels": [["Pastures"], []]}))
    >>> metadata
    Metadata: 2 patches, 1 labels
    >>> metadata.footprints.y.tolist(), len(metadata.pairs)
    ([6184440, 6183240], 0)
    """

    table: pa.Table
    places: Footprints | Points | None = None
    id_column: str = "patch_id"
    patch_size: float | None = None
    location_column: str | None = None

    def __post_init__(self) -> None:
        """Read and check what it is made of."""
        object.__setattr__(self, "table", metadata_table(self.table, self.id_column))
        if self.places is not None and len(self.places) != len(self):
            raise InputFormatError(
                f"expected a footprint for each of {len(self):,} patches, "
                f"but there are {len(self.places):,}"
            )

    @classmethod
    def of_table(cls, table: pa.Table, **others: Any) -> Self:
        """That of a table which `metadata_table` has checked."""
        made = object.__new__(cls)
        fields = {name: getattr(cls, name, None) for name in cls.__dataclass_fields__}
        made.__dict__.update(fields | {"table": table} | others)
        return made

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.table)

    def _facts(self) -> str:
        counts = {"patches": len(self), "labels": len(self.labels.names)}
        if self.countries is not None:
            counts["countries"] = len(self.countries.names)
        return ", ".join(f"{count:,} {name}" for name, count in counts.items())

    @cached_property
    def patch_ids(self) -> pa.StringArray:
        """The ids, in the order of the rows."""
        return one_array(self.table[self.id_column])

    @cached_property
    def by_id(self) -> NDArray[np.int64]:
        """Rows in the order of ``patch_id``, for what must not depend on the order of the rows."""
        ids = one_array(self.table["patch_id"])
        return pc.sort_indices(ids).to_numpy().astype(np.int64)

    @cached_property
    def ground(self) -> Footprints | Points:
        """Where the patches lie; a `PatchIdError` where neither ids nor coordinates tell."""
        if isinstance(self.places, Rectangles):
            self.places.require_known(self.table["patch_id"])
        if self.places is not None:
            return self.places
        return place_patches(self.table, self.patch_size)

    @property
    def squares(self) -> Footprints | Rectangles:
        """Where the patches lie, as ids or an inventory tell; an `InputFormatError` of others."""
        return self.ground if isinstance(self.ground, Rectangles) else self.footprints

    @property
    def footprints(self) -> Footprints:
        """Where the patches lie, as their ids tell; an `InputFormatError` where coordinates do."""
        if isinstance(self.ground, Points):
            raise InputFormatError(
                "expected patches whose names tell their footprints, as in BigEarthNet, but coordinates "
                "tell where these lie; split, evaluate, overlaps and report take such tables"
            )
        return self.ground

    @property
    def degrees(self) -> NDArray[np.float64]:
        """Centres: (n, 2) float64 array, longitude and latitude (EPSG:4326); not kept in memory."""
        ground = self.ground
        return ground.degrees if isinstance(ground, Points) else centre_degrees(ground)

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Centres on one plane (see `benkit.ground.distance_plane`): (n, 2) float64, metres."""
        return to_local_plane(self.degrees)

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Centres between which `nearest_distances` measures: ``centres``, or (n, 3) geocentric metres.

        The plane of Europe serves patches whose ids tell that they lie there.
        """
        degrees = self.degrees
        on_plane = isinstance(self.ground, Footprints) and is_european(degrees)
        return self.centres if on_plane else geocentric(degrees)

    @cached_property
    def pairs(self) -> Pairs:
        """Patches that share ground, as `benkit.overlapping_pairs` gives them, or their location."""
        pairs = overlapping_pairs(self.ground)
        if self.location_column is None:
            return pairs
        locations = column_categories(self.table[self.location_column])
        first, second = np.concatenate([pairs, pairs_of_one_value(locations)]).T
        keys = sorted_unique(first * len(self) + second)
        return np.stack(np.divmod(keys, max(len(self), 1)), axis=1)

    @cached_property
    def labels(self) -> Categories:
        """The labels of each patch."""
        return list_categories(self.table["labels"])

    @cached_property
    def seasons(self) -> Categories:
        """The meteorological season of each patch; of none where coordinates tell and no date does."""
        if isinstance(self.ground, Points):
            return date_seasons(self.table)
        products = self.ground.products
        of_product = np.array([SEASONS.index(product.season) for product in products], np.int64)
        return Categories(SEASONS, np.arange(len(self)), of_product[self.ground.product])

    @cached_property
    def countries(self) -> Categories | None:
        """The country of each patch; None without the column ``country``."""
        has_country = "country" in self.table.column_names
        return column_categories(self.table["country"]) if has_country else None

    def filter(self, chosen: NDArray[np.bool_]) -> Self:
        """The rows where a (n,) bool array is true."""
        return self._take(np.flatnonzero(chosen))

    def select(self, patches: Iterable[str]) -> Self:
        """The rows of some patches, in the order in which these are named.

        Raises
        ------
        InputFormatError
            If there is no such patch.
        """
        wanted = pa.array(dict.fromkeys(patches), pa.string())
        rows = pc.index_in(wanted, self.patch_ids)
        if rows.null_count:
            unknown = wanted.filter(rows.is_null())[0].as_py()
            raise InputFormatError(f"{some_names([unknown])} is not in the metadata")
        return self._take(rows.to_numpy())

    def _take(self, rows: NDArray[np.integer]) -> Self:
        """Rows by index, of which nothing is checked again."""
        known = self.places or self.__dict__.get("ground")
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields |= {"table": self.table.take(pa.array(rows)), "places": known and known.take(rows)}
        return self.of_table(**fields)


def as_metadata(
    metadata: Any,
    id_column: str | None = None,
    patch_size: float | None = None,
    others: Collection[str] | None = None,
) -> Metadata:
    """A value as it is, or made of what `Metadata` takes; labels of an Arrow table may be missing.

    Of large files only some columns are held where ``others`` are given (see `metadata_table`).
    """
    given = {"id_column": id_column, "patch_size": patch_size}
    options: Any = {name: value for name, value in given.items() if value is not None}
    if isinstance(metadata, Metadata):
        return replace(metadata, **options) if options else metadata
    if not isinstance(metadata, pa.Table):
        if others is None:
            return Metadata(metadata, **options)
        table = metadata_table(metadata, options.get("id_column", "patch_id"), others)
        return Metadata.of_table(table, **options)
    names = metadata.column_names
    if "labels" not in names:
        metadata = metadata.append_column("labels", pa.array([[]] * len(metadata), TEXTS))
    elif metadata["labels"].null_count:
        lists = lists_of_texts("the metadata", metadata["labels"])
        filled = pc.coalesce(lists, pa.scalar([], TEXTS))
        metadata = metadata.set_column(names.index("labels"), "labels", filled)
    return Metadata(metadata, **options)
