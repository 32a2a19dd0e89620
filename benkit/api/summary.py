"""Seasons and labels of the metadata."""

from benkit.api.sources import MetadataLike, as_metadata, naming
from benkit.metadata.summary import Summary, summarize


def summary(metadata: MetadataLike) -> Summary:
    """Count the patches by season, and their labels.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``.
    """
    known = as_metadata(metadata)
    with naming(metadata):
        return summarize(known)
