"""Labels of patches from the JSON files that lie beside their bands."""

import json
from collections.abc import Iterable

from benkit.archive.listing import PatchFolder
from benkit.errors import InputFormatError, first_line
from benkit.files.remote.location import Location
from benkit.files.tables.table import read_content


def labels_beside(root: Location, patches: Iterable[PatchFolder]) -> list[list[str]]:
    """The labels of some patches of an archive, whose layout says in which file they are.

    Raises
    ------
    MissingInputError, InputFormatError
        If a file is not there, cannot be read, or holds no text or list of texts under the layout's key.
    """
    return [_labels(root, patch) for patch in patches]


def _labels(root: Location, patch: PatchFolder) -> list[str]:
    layout = patch.layout
    name = layout.named_file(layout.labels_file, patch.name, patch.product)
    path = root / (f"{patch.path}/{name}" if patch.path else name)
    try:
        values = json.loads(read_content(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputFormatError):
            raise
        raise InputFormatError(
            f"{path}: expected labels as JSON, but {first_line(error)}"
        ) from None
    labels = values.get(layout.labels_key) if isinstance(values, dict) else None
    labels = [labels] if isinstance(labels, str) else labels
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise InputFormatError(
            f"{path}: expected an object with a text or a list of texts under {layout.labels_key}, "
            "but it holds something else"
        )
    return labels
