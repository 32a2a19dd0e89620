"""Hold data against their card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benkit.datasets.cards.card import Card
from benkit.datasets.cards.card_hashes import label_hash, pixel_hashes, side_sizes, split_hash
from benkit.files.safe_names import some_names
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split


@dataclass(frozen=True, repr=False)
class Verification:
    """Whether data are those of a card.

    Attributes
    ----------
    checked : tuple of str
        Of ``pixels``, ``labels`` and ``split``, what was held against the card.
    not_checked : tuple of str
        What the card has besides, but was not given.
    differs : mapping of str to mapping
        Of what differs, ``card`` and ``found``: hash and number of patches of both; of pixels also
        ``products``, those that differ.
    """

    checked: tuple[str, ...]
    not_checked: tuple[str, ...]
    differs: Mapping[str, Mapping[str, Any]]

    def __repr__(self) -> str:
        """What differs, or what is the same, in a line."""
        found = f"differs in {', '.join(self.differs)}" if self.differs else "the same"
        return f"Verification: {found}, of {', '.join(self.checked)}"

    @property
    def same(self) -> bool:
        """Whether nothing that was checked differs."""
        return not self.differs

    @property
    def sentences(self) -> list[str]:
        """What differs, in words."""
        return [_sentence(what, found) for what, found in self.differs.items()]


def compare_with_card(
    card: Card,
    inventory: Inventory,
    metadata: Metadata | None = None,
    split: Split | None = None,
) -> Verification:
    """Hold the pixels of an inventory, and the labels and the split if they are given, against a card.

    Raises
    ------
    InputFormatError
        If the inventory lacks ``pixel_hash``, as those of version 1 do.
    """
    found: dict[str, Any] = {"pixels": pixel_hashes(inventory)}
    if metadata is not None:
        found["labels"] = {"sha256": label_hash(metadata), "patches": len(metadata)}
    if split is not None:
        found["split"] = {"sha256": split_hash(split), "patches": side_sizes(split)}
    differs = {}
    for what, now in found.items():
        known = card.values[what] or {"sha256": None, "patches": {}}
        if known["sha256"] != now["sha256"]:
            pair = {"card": known, "found": now}
            differs[what] = {
                side: {name: one[name] for name in ("sha256", "patches")}
                for side, one in pair.items()
            }
    if "pixels" in differs:
        differs["pixels"]["products"] = _products(card.values["pixels"], found["pixels"])
    rest = [what for what in ("labels", "split") if what not in found and card.values[what]]
    return Verification(tuple(found), tuple(rest), differs)


def _products(known: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """By product that differs, its number of patches in the card and now."""
    both = known["products"], found["products"]
    nothing = {"patches": 0, "sha256": None}
    pairs = {
        name: [one.get(name, nothing) for one in both] for name in sorted({*both[0], *both[1]})
    }
    return {
        name: {"card": before["patches"], "found": now["patches"]}
        for name, (before, now) in pairs.items()
        if before["sha256"] != now["sha256"]
    }


def _sentence(what: str, found: Mapping[str, Any]) -> str:
    """What differs: how many patches, and in which products."""
    before, now = (found[side]["patches"] for side in ("card", "found"))
    if what == "split" and not before:
        return "the card is of no split"
    if what != "pixels":
        counts = f"it has {_sizes(before)}, and there are {_sizes(now)}"
        return f"the {what} {'is' if what == 'split' else 'are'} not that of the card: {counts}"
    products = found["products"]
    return (
        f"the pixels are not those of the card: they differ in {len(products):,} products "
        f"({some_names(list(products))}), which have {_sum(products, 'card'):,} patches in the card and "
        f"{_sum(products, 'found'):,} here; `benkit diff` names the patches where both inventories are"
    )


def _sizes(patches: Any) -> str:
    if isinstance(patches, dict):
        return ", ".join(f"{size:,} {name}" for name, size in patches.items())
    return f"{patches:,} patches"


def _sum(products: Mapping[str, Mapping[str, int]], side: str) -> int:
    return sum(one[side] for one in products.values())
