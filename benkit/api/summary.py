"""Seasons and labels of the metadata."""

from benkit.api.sources import MetadataLike, as_metadata, naming
from benkit.metadata.summary import Summary, summarize

__all__ = ["summary"]


def summary(metadata: MetadataLike) -> Summary:
    """Count the patches by season, and their labels.

    Parameters
    ----------
    metadata : path, address or pyarrow.Table
        With the columns ``patch_id`` and ``labels``.

    Raises
    ------
    MissingInputError, InputFormatError, PatchIdError
        If it is not there, damaged, lacks a column, or a patch id tells no date.
    """
    known = as_metadata(metadata)
    with naming(metadata):
        return summarize(known)
