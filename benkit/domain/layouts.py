"""Layouts: how an archive of patches lies on disk, and what its bands are like.

A layout is described by a TOML text, the built-in ones too (see docs/layouts.md).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NoReturn

from benkit.errors import InputFormatError

_PART = re.compile(r"\{(\w+)\}")
_FORMS = {
    "date": r"\d{8}(?:T\d{6})?",
    "tile": r"T?\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2}",
    "column": r"\d{1,4}",
    "row": r"\d{1,4}",
}
"""What the parts of names with these meanings look like; others are any text without a slash."""

_MOST_BANDS = 62  # of which one number says which are there
_IDS = ("name", "path")
_LABELS = ("metadata", "class", "json")
_UNITS = ("digital number", "reflectance", "dB")
_DTYPES = (*("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"),)


@dataclass(frozen=True)
class Band:
    """One band of a patch.

    Attributes
    ----------
    name : str
        As files and tables name it, such as ``B02``.
    width, height : int
        Number of columns and of rows in a patch.
    pixel_size : float
        Side of a pixel on the ground in metres; 0 where patches differ in it.
    dtype : str
        Data type of the pixels.
    nodata : float or None
        Value of a pixel without a measurement, which the file declares; None where it declares none.
    unit : str
        ``digital number``, ``reflectance`` or ``dB``.
    scale, offset : float
        What a pixel means: ``scale * (pixel + offset)``.
    range : (float, float) or None
        Least and greatest value that can be, in the unit of the pixels.

    Examples
    --------
    >>> Band("B02", 120, 120, 10).side
    120
    """

    name: str
    width: int
    height: int
    pixel_size: float = 0
    dtype: str = "uint16"
    nodata: float | None = None
    unit: str = "digital number"
    scale: float = 1.0
    offset: float = 0.0
    range: tuple[float, float] | None = None

    @property
    def side(self) -> int:
        """Number of rows, and of columns, of a square band."""
        return self.width


@dataclass(frozen=True)
class Sister:
    """An archive of the same ground: its layout, and the column of the metadata with its patches."""

    layout: str
    column: str


@dataclass(frozen=True, eq=False)
class Layout:
    """How an archive lies on disk; there is one value for each description.

    Attributes
    ----------
    name : str
        By which inventories say what was scanned.
    bands : mapping of str to Band
        By name, in the order in which all output lists them, and in which a file of all bands has them.
    folder : str
        Folders below the root down to that in which the files lie, such as ``{product}/{patch}``: each
        name in braces is one level.
    file : str
        Name of a band's file, from ``{patch}``, the name of its folder, and ``{band}``; without
        ``{band}`` one file a patch holds all bands, and ``{patch}`` is its name.
    id : {"name", "path"}
        What names a patch: the name of its folder or file, or all folders down to it with ``_`` between.
    tells : str
        What the parts of an id are, such as ``{mission}_{date}_{tile}_{column}_{row}``; empty where an
        id tells nothing. Known meanings are date, tile, column, row, class and location.
    product : str
        What the folder of a product is called, with whose name those of its patches begin; empty where
        they lie in no folders of products.
    grid_metres : int or None
        Side of the squares that ``column`` and ``row`` count from the corner of ``tile``.
    beside : tuple of str
        Names of files that belong beside the bands.
    labels : {"metadata", "class", "json"}
        Where labels come from: the metadata, the part ``class``, or the list under ``labels_key`` of
        the JSON file ``labels_file`` beside the bands.
    metadata_id : str
        The column of the metadata that names its patches.
    sister : Sister or None
    text : str
        The description, if it is none of the built-in ones.
    """

    name: str
    bands: Mapping[str, Band]
    folder: str = "{product}/{patch}"
    file: str = "{patch}_{band}.tif"
    id: str = "name"
    tells: str = ""
    product: str = ""
    grid_metres: int | None = None
    beside: tuple[str, ...] = ()
    labels: str = "metadata"
    labels_file: str = ""
    labels_key: str = "labels"
    metadata_id: str = "patch_id"
    sister: Sister | None = None
    text: str = field(default="", repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its description."""
        return (parse_layout, (self.text, self.name)) if self.text else (built_in, (self.name,))

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands, in their order."""
        return tuple(self.bands)

    @property
    def depth(self) -> int:
        """Number of folders from the root to the files."""
        return self.folder.count("/") + 1 if self.folder else 0

    @cached_property
    def one_file(self) -> bool:
        """Whether one file a patch holds all bands."""
        return "{band}" not in self.file

    @property
    def files(self) -> tuple[str, ...]:
        """What a reader reads of a patch, by name: the bands, or one file of all."""
        return ("",) if self.one_file else self.band_names

    def bytes_of_files(self) -> dict[str, int]:
        """How many bytes of pixels the files of a patch hold, by name of `files`."""
        sizes = {
            name: band.width * band.height * int(re.sub(r"\D", "", band.dtype)) // 8
            for name, band in self.bands.items()
        }
        return {"": sum(sizes.values())} if self.one_file else sizes

    def band_file(self, patch: str, band: str) -> str:
        """Name of the file that holds a band of a patch, whose folder or file has this name."""
        return self.file.replace("{patch}", patch).replace("{band}", band)

    def band_files(self, patch: str) -> list[str]:
        """Names of the files of a patch, in the order of the bands."""
        return [self.band_file(patch, name) for name in self.files]

    def file_beside(self, patch: str) -> list[str]:
        """Names of the files that may lie beside the bands of a patch."""
        named = [*self.beside, self.labels_file] if self.labels_file else self.beside
        return [name.replace("{patch}", patch) for name in named]

    def patch_of_file(self, name: str) -> str | None:
        """Name of the patch whose only file has this name; None if it is none."""
        match = _compiled(self.file).fullmatch(name)
        return match["patch"] if match else None

    def parts(self, patch_id: str) -> Mapping[str, str] | None:
        """What an id tells, by part; None if it has another form."""
        match = _compiled(self.tells).fullmatch(patch_id) if self.tells else None
        return match.groupdict() if match else None

    def belongs(self, product: str, patch_id: str) -> bool:
        """Whether a patch lies in folders whose names are those that its id tells."""
        if self.product:
            return patch_id.startswith(f"{product}_") and _matches(self.product, product)
        told = self.parts(patch_id) or {}
        levels = zip(self.folder.split("/"), product.split("/"), strict=False)
        return all(told.get(level.strip("{}"), name) == name for level, name in levels)


@lru_cache
def parse_layout(text: str, source: str) -> Layout:
    """Read the description of a layout.

    Raises
    ------
    InputFormatError
        If it is no TOML, with the line, or a key is missing, unknown or holds something else.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputFormatError(f"{source}: expected a layout as TOML, but {error}") from None
    return _Checked(source, given).layout(text)


class _Checked:
    """The keys of a description, each with the type that it should have."""

    def __init__(self, source: str, given: dict[str, Any]) -> None:
        self.source, self.given = source, given

    def layout(self, text: str) -> Layout:
        known = {one.name for one in fields(Layout)} - {"text"} | {"every_band"}
        self._refuse_unknown("", self.given, known)
        name, folder, file = (self._text("", self.given, key) for key in ("name", "folder", "file"))
        layout = Layout(
            name=name,
            bands=self._bands(),
            folder=folder,
            file=file,
            id=self._one_of("", self.given, "id", _IDS),
            tells=self._text("", self.given, "tells", ""),
            product=self._text("", self.given, "product", ""),
            grid_metres=self._number("", self.given, "grid_metres"),
            beside=tuple(self._texts(self.given, "beside")),
            labels=self._one_of("", self.given, "labels", _LABELS),
            labels_file=self._text("", self.given, "labels_file", ""),
            labels_key=self._text("", self.given, "labels_key", "labels"),
            metadata_id=self._text("", self.given, "metadata_id", "patch_id"),
            sister=self._sister(),
            text="" if name in BUILT_IN else text,
        )
        self._require_whole(layout)
        return layout

    def _require_whole(self, layout: Layout) -> None:
        """Refuse what cannot be used together."""
        levels = layout.folder.split("/") if layout.folder else []
        for level in levels:
            if not _PART.fullmatch(level):
                self._refuse(
                    "folder", "one name in braces a level, such as {product}/{patch}", level
                )
        in_file = _PART.findall(layout.file)
        if unknown := set(in_file) - {"patch", "band"}:
            self._refuse("file", "only {patch} and {band} in it", f"{{{min(unknown)}}}")
        if "/" in layout.file or not in_file:
            self._refuse("file", "a name with {patch}, {band} or both", layout.file)
        if layout.one_file == (levels[-1:] == ["{patch}"]):
            self._refuse(
                "folder",
                "{patch} as its last level where files have {band} in their names, and only there",
                layout.folder or "nothing",
            )
        parts = set(_PART.findall(layout.tells)) | set(_PART.findall(layout.folder))
        if layout.labels == "class" and "class" not in parts:
            self._refuse("labels", "the part {class} in folder or tells", "none")
        if layout.labels == "json" and not layout.labels_file:
            self._refuse("labels_file", "the name of the JSON file beside the bands", "none")
        if layout.grid_metres and not {"tile", "column", "row"} <= parts:
            self._refuse(
                "tells", "{tile}, {column} and {row}, since there is grid_metres", "others"
            )

    def _bands(self) -> Mapping[str, Band]:
        of_all, bands = self.given.get("every_band", {}), self.given.get("bands")
        if not isinstance(bands, dict) or not bands:
            self._refuse("bands", "a table with a line a band, such as B02 = { size = 120 }", bands)
        if len(bands) > _MOST_BANDS:
            self._refuse("bands", f"at most {_MOST_BANDS} bands", f"{len(bands)}")
        if not isinstance(of_all, dict):
            self._refuse("every_band", "a table", of_all)
        return MappingProxyType(
            {name: self._band(name, of_all, one) for name, one in bands.items()}
        )

    def _band(self, name: str, of_all: dict[str, Any], given: Any) -> Band:
        where = f"bands.{name}"
        if not isinstance(given, dict):
            self._refuse(where, "a table, such as { size = 120 }", given)
        values = of_all | given
        known = {one.name for one in fields(Band)} - {"name", "width", "height"} | {"size"}
        self._refuse_unknown(where, values, known)
        size = values.get("size")
        sizes: list[Any] = size if isinstance(size, list) else [size, size]
        if len(sizes) != 2 or not all(type(one) is int and one > 0 for one in sizes):
            self._refuse(f"{where}.size", "the pixels of a side, or [columns, rows]", size)
        span = values.get("range")
        if span is not None and not (
            isinstance(span, list) and len(span) == 2 and all(map(_is_number, span))
        ):
            self._refuse(f"{where}.range", "[least, greatest]", span)
        return Band(
            name,
            width=sizes[0],
            height=sizes[1],
            pixel_size=self._number(where, values, "pixel_size") or 0,
            dtype=self._one_of(where, values, "dtype", _DTYPES, "uint16"),
            nodata=self._number(where, values, "nodata", least=None),
            unit=self._one_of(where, values, "unit", _UNITS),
            scale=self._number(where, values, "scale", least=None) or 1.0,
            offset=self._number(where, values, "offset", least=None) or 0.0,
            range=None if span is None else (span[0], span[1]),
        )

    def _sister(self) -> Sister | None:
        given = self.given.get("sister")
        if given is None:
            return None
        if not isinstance(given, dict):
            self._refuse("sister", "a table with layout and column", given)
        self._refuse_unknown("sister", given, {"layout", "column"})
        return Sister(*(self._text("sister", given, key) for key in ("layout", "column")))

    def _text(self, where: str, table: dict[str, Any], key: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str):
            self._refuse(_joined(where, key), "a text", value)
        return str(value)

    def _texts(self, table: dict[str, Any], key: str) -> list[str]:
        value = table.get(key, [])
        if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            self._refuse(key, "a list of texts", value)
        return value

    def _one_of(
        self, where: str, table: dict[str, Any], key: str, known: tuple[str, ...], default: str = ""
    ) -> str:
        value = table.get(key, default or known[0])
        if value not in known:
            self._refuse(_joined(where, key), f"one of {', '.join(known)}", value)
        return str(value)

    def _number(self, where: str, table: dict[str, Any], key: str, least: float | None = 0) -> Any:
        value = table.get(key)
        if value is not None and not (_is_number(value) and (least is None or value > least)):
            self._refuse(_joined(where, key), f"a number{' above 0' * (least is not None)}", value)
        return value

    def _refuse_unknown(self, where: str, table: dict[str, Any], known: set[str]) -> None:
        if unknown := sorted(set(table) - known):
            self._refuse(
                _joined(where, unknown[0]), f"one of the keys {', '.join(sorted(known))}", "another"
            )

    def _refuse(self, key: str, expected: str, found: Any) -> NoReturn:
        shown = "nothing" if found is None else found if isinstance(found, str) else repr(found)
        raise InputFormatError(
            f"{self.source}: key {key}: expected {expected}, but there is {shown}; docs/layouts.md "
            "says what a layout holds"
        )


def _joined(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@lru_cache
def _matches(pattern: str, name: str) -> bool:
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A regular expression for a text with parts in braces, each of which is met once."""
    met: set[str] = set()

    def group(name: str) -> str:
        if name in met:
            return f"(?P={name})"
        met.add(name)
        return f"(?P<{name}>{_FORMS.get(name, '[^/]+?')})"

    pieces = _PART.split(pattern)
    return re.compile(
        "".join(
            group(piece) if number % 2 else re.escape(piece) for number, piece in enumerate(pieces)
        ),
        re.ASCII,
    )


BUILT_IN = (
    "bigearthnet-s2",
    "bigearthnet-s1",
    "bigearthnet-v1-s2",
    "bigearthnet-v1-s1",
    "eurosat-ms",
    "ssl4eo-s12-s1",
    "ssl4eo-s12-s2c",
    "ssl4eo-s12-s2a",
    "major-tom",
)
"""Names of the layouts that need no description."""


@lru_cache
def built_in(name: str) -> Layout:
    """A built-in layout by its name."""
    source = files("benkit.domain") / "layout_files" / f"{name}.toml"
    return parse_layout(source.read_text("utf-8"), name)


ARCHIVE_METADATA = "metadata.parquet"
"""Name of the metadata that an archive may keep beside its products; no other file belongs there."""

BIGEARTHNET_S2 = built_in("bigearthnet-s2")
"""Sentinel-2 patches of BigEarthNet v2.0: twelve bands in the order of their wavelength.

A patch covers 1200 m x 1200 m. Sentinel-2 measures in three pixel sizes, so a band has 120, 60 or 20
pixels a side. B10 (cirrus) carries no information on the surface and is not part of Level-2A products.
"""

BANDS = BIGEARTHNET_S2.bands
"""The twelve bands of a Sentinel-2 patch by name."""
