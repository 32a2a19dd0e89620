"""The values of a layout: how an archive of patches lies on disk, and what its bands are like."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce

from benkit.domain.name_pattern import matches, name_pattern

_SENTINEL_2 = {
    "red": ("b04", "b4"), "green": ("b03", "b3"), "blue": ("b02", "b2"), "nir": ("b08", "b8"),
}  # fmt: skip
"""Names of bands of Sentinel-2 in lower case, by what they show."""


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
        Name of a band's file, from ``{patch}``, the name of its folder, ``{band}`` and names of the
        folders above, such as ``{location}``; without
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
    colours : tuple of str
        The bands of red, green and blue, in this order; empty where names such as B04 or red tell.
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
    colours: tuple[str, ...] = ()
    metadata_id: str = "patch_id"
    sister: Sister | None = None
    text: str = field(default="", repr=False)

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands, in their order."""
        return tuple(self.bands)

    @property
    def true_colour(self) -> tuple[str, ...]:
        """The bands of red, green and blue; empty if the layout does not have them."""
        return self.colours or self._named("red", "green", "blue")

    @property
    def false_colour(self) -> tuple[str, ...]:
        """Near infrared, red and green, so that vegetation is red; empty if they are not known."""
        infrared = self._named("nir")
        return (*infrared, *self.true_colour[:2]) if infrared and self.true_colour else ()

    @property
    def radar(self) -> tuple[str, ...]:
        """The bands of both polarisations of Sentinel-1; empty if the layout does not have them."""
        return self._named("vv", "vh")

    def _named(self, *colours: str) -> tuple[str, ...]:
        """The bands whose names say that they are these; empty if one is missing."""
        names = {name.lower(): name for name in reversed(self.band_names)}
        found = [
            next(
                (names[name] for name in (colour, *_SENTINEL_2.get(colour, ())) if name in names),
                "",
            )
            for colour in colours
        ]
        return tuple(found) if all(found) else ()

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

    def band_file(self, patch: str, band: str, above: str = "") -> str:
        """Name of the file that holds a band of a patch, whose folder or file has this name.

        Where names of files tell the folders ``above`` that of the patch, these are needed.
        """
        return self.named_file(self.file, patch, above).replace("{band}", band)

    def band_files(self, patch: str, above: str = "") -> list[str]:
        """Names of the files of a patch, in the order of the bands."""
        stem = self.named_file(self.file, patch, above)
        return [stem.replace("{band}", name) for name in self.files]

    def file_beside(self, patch: str, above: str = "") -> list[str]:
        """Names of the files that may lie beside the bands of a patch."""
        named = [*self.beside, self.labels_file] if self.labels_file else self.beside
        return [self.named_file(name, patch, above) for name in named]

    def named_file(self, name: str, patch: str, above: str) -> str:
        """The name of a file of a patch below some folders, but for its band."""
        return reduce(
            lambda text, known: text.replace(*known),
            zip(self._levels, above.split("/"), strict=False) if self._tells_levels else (),
            name,
        ).replace("{patch}", patch)

    @cached_property
    def _levels(self) -> tuple[str, ...]:
        """Names of the folders above that of a patch, each in braces."""
        return tuple(level for level in self.folder.split("/") if level != "{patch}")

    @cached_property
    def _tells_levels(self) -> bool:
        """Whether names of files tell folders above."""
        names = " ".join((self.file, self.labels_file, *self.beside))
        return any(level in names for level in self._levels)

    def patch_of_file(self, name: str) -> str | None:
        """Name of the patch whose only file has this name; None if it is none."""
        match = name_pattern(self.file).fullmatch(name)
        if match is None or any(matches(beside, name) for beside in self.beside):
            return None
        return match["patch"]

    def parts(self, patch_id: str) -> Mapping[str, str] | None:
        """What an id tells, by part; None if it has another form."""
        match = name_pattern(self.tells).fullmatch(patch_id) if self.tells else None
        return match.groupdict() if match else None

    def is_product(self, name: str) -> bool:
        """Whether a folder's name is one of a product, in a layout that has them."""
        return matches(self.product, name)

    def belongs(self, product: str, patch_id: str) -> bool:
        """Whether a patch lies in folders whose names are those that its id tells."""
        if self.product:
            return patch_id.startswith(f"{product}_") and self.is_product(product)
        told = self.parts(patch_id)
        levels = list(zip(self._levels, product.split("/"), strict=False))
        if told is None or all(told.get(level[1:-1], name) == name for level, name in levels):
            return True
        # Where names can be read in several ways, one that agrees with the folders is enough.
        above = [level if level in self.tells else f"{{{level[1:-1]}_}}" for level, _ in levels]
        return matches("/".join(above) + "\0" + self.tells, f"{product}\0{patch_id}")
