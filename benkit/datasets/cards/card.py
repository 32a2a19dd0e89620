"""The card of a data set: what a paper has to say of its data, so that others can repeat it.

It holds nothing of the machine, the time or the versions of libraries, so that everyone gets the same
bytes from the same data.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from benkit.errors import InputFormatError

CARD_VERSION = 1
"""Of the cards that are written, and of those that can be read."""

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, repr=False)
class Card:
    """What there is to know of a data set, to cite and to verify it.

    Attributes
    ----------
    values : mapping of str to object
        As the JSON file has them; docs/card.md tells what each is.
    """

    values: Mapping[str, Any]

    def __repr__(self) -> str:
        """How many patches, and the beginning of their hash, in a line."""
        pixels = self.values["pixels"]
        return f"Card: {pixels['patches']:,} patches, sha256 {pixels['sha256'][:12]}"

    @property
    def identifier(self) -> str:
        """A name that changes with the pixels."""
        return f"patches-{self.values['pixels']['sha256'][:12]}"

    @property
    def sentence(self) -> str:
        """How many patches there are, of how many classes, and how they are split."""
        values = self.values
        labels = sum(one["all"] > 0 for one in values["counts"]["label"].values())
        split = values["split"]
        sides = {} if split is None else split["patches"]
        parted = ", ".join(f"{size:,} {name}" for name, size in sides.items())
        return (
            f"{values['pixels']['patches']:,} patches in {len(values['statistics']['bands'])} bands "
            f"with {labels} labels{f', split into {parted}' if parted else ''}."
        )

    def to_json(self) -> str:
        """The text of the JSON file."""
        return json.dumps(self.values, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, content: bytes, source: str) -> "Card":
        """Read and check the bytes of a JSON file, which is called ``source`` in errors.

        Raises
        ------
        InputFormatError
            If it is no card, a damaged one, or one of another version.
        """
        try:
            values = json.loads(content)
        except (ValueError, RecursionError):
            _refuse(source, "but it is damaged or no JSON")
        version = _part(_part(values, "versions"), "card")
        if version is None:
            _refuse(source, "but it is other JSON")
        if version != CARD_VERSION:
            raise InputFormatError(
                f"{source}: expected a card of version {CARD_VERSION}, but its version is "
                f"{json.dumps(version)[:20]}; use the version of benkit that wrote it, or write it again"
            )
        if wrong := _wrong_part(values):
            _refuse(source, f"but its part {wrong} is damaged")
        return cls(values)


def _refuse(source: str, what: str) -> NoReturn:
    raise InputFormatError(
        f"{source}: expected the JSON of a card, as `benkit card --output card.json` writes it, {what}; "
        "name such a file, or write the card again"
    )


def _part(values: Any, name: str) -> Any:
    return values.get(name) if isinstance(values, dict) else None


def _wrong_part(values: Any) -> str | None:
    """The first part of a card that cannot be held against data."""
    pixels, split = _part(values, "pixels"), _part(values, "split")
    products = _part(pixels, "products")
    sizes = {} if split is None else _part(split, "patches")
    if not isinstance(products, dict) or not all(map(_is_hash, (pixels, *products.values()))):
        return "pixels"
    if not _is_hash(_part(values, "labels")):
        return "labels"
    if "split" not in values or (
        split is not None
        and not (
            isinstance(sizes, dict)
            and all(type(size) is int for size in sizes.values())
            and _is_hash({**split, "patches": sum(sizes.values())})
        )
    ):
        return "split"
    return None


def _is_hash(part: Any) -> bool:
    """Whether a part holds a hash, and a number of patches."""
    text, patches = _part(part, "sha256"), _part(part, "patches")
    return type(patches) is int and isinstance(text, str) and bool(_SHA256.fullmatch(text))
