"""What lies in an archive, in words, for errors about patches that are not there."""

from collections.abc import Sequence

from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.inventory.table.inventory_file import Inventory

_SHOWN = 3


def none_is_there(
    inventory: Inventory, looked_for: str, number: int, first: Sequence[str], advice: str
) -> InputFormatError:
    """The error about so many patches, the first of them named, of which an archive holds none."""
    such = f", such as {some_names(first)}," if first else ""
    return InputFormatError(
        f"{inventory.name}: expected {looked_for}, but none of {number:,}{such} is there; "
        f"{contents(inventory)}; {advice}"
    )


def require_patches(inventory: Inventory) -> None:
    """Refuse an inventory of an archive without a patch, of which nothing could be told."""
    if not inventory.query("SELECT 1 FROM inventory WHERE band IS NOT NULL LIMIT 1"):
        raise InputFormatError(
            f"{inventory.name}: expected patches, but {contents(inventory)}; scan the folder of an "
            "archive, <root>/<product>/<patch id>/"
        )


def contents(inventory: Inventory) -> str:
    """How many patches and other files an archive holds, and the first of each."""
    ((patches, products, first),) = inventory.query(
        "SELECT count(DISTINCT patch_id), count(DISTINCT product), min(patch_id) "
        "FROM inventory WHERE band IS NOT NULL"
    )
    files = inventory.query(
        "SELECT DISTINCT detail FROM inventory WHERE status = 'stray' ORDER BY detail"
    )
    folders = inventory.query(
        "SELECT DISTINCT product FROM inventory WHERE band IS NOT NULL ORDER BY product "
        f"LIMIT {_SHOWN}"
    )
    found = ["there is no patch in it"]
    if patches:
        names = some_names([name for (name,) in folders])
        more = ", ..." if products > _SHOWN else ""
        found = [
            f"it holds {patches:,} patches, such as {some_names([first])}, in {products:,} folders of "
            f"products ({names}{more})"
        ]
    if files:
        found.append(f"{len(files):,} other files, such as {some_names([files[0][0]])}")
    return " and ".join(found)
