"""Read the description of a layout, and say which of its keys is wrong."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NoReturn

from benkit.domain.layout import Band, Layout, Sister
from benkit.domain.name_pattern import PART
from benkit.errors import InputFormatError

_MOST_BANDS = 62  # of which one number says which are there
_IDS = ("name", "path")
_LABELS = ("metadata", "class", "json")
_UNITS = ("digital number", "reflectance", "dB")
_DTYPES = (*("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"),)


def parse_description(text: str, source: str) -> Layout:
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
            colours=tuple(self._texts(self.given, "colours")),
            metadata_id=self._text("", self.given, "metadata_id", "patch_id"),
            sister=self._sister(),
            text=text,
        )
        self._require_whole(layout)
        return layout

    def _require_whole(self, layout: Layout) -> None:
        """Refuse what cannot be used together."""
        levels = layout.folder.split("/") if layout.folder else []
        for level in levels:
            if not PART.fullmatch(level):
                self._refuse(
                    "folder", "one name in braces a level, such as {product}/{patch}", level
                )
        in_file = PART.findall(layout.file)
        above = {*PART.findall(layout.folder)} if "band" in in_file else set()
        if unknown := set(in_file) - {"patch", "band"} - above:
            self._refuse(
                "file",
                "only {patch}, {band} and, beside {band}, names of folder in it",
                f"{{{min(unknown)}}}",
            )
        if "/" in layout.file or not in_file:
            self._refuse("file", "a name with {patch}, {band} or both", layout.file)
        if layout.one_file == (levels[-1:] == ["{patch}"]):
            self._refuse(
                "folder",
                "{patch} as its last level where files have {band} in their names, and only there",
                layout.folder or "nothing",
            )
        parts = set(PART.findall(layout.tells)) | set(PART.findall(layout.folder))
        if layout.labels == "class" and "class" not in parts:
            self._refuse("labels", "the part {class} in folder or tells", "none")
        if layout.labels == "json" and not layout.labels_file:
            self._refuse("labels_file", "the name of the JSON file beside the bands", "none")
        if layout.colours and (len(layout.colours) != 3 or {*layout.colours} - {*layout.bands}):
            self._refuse(
                "colours", "the names of three bands: red, green and blue", [*layout.colours]
            )
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
