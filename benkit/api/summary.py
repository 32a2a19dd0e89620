"""Seasons and labels of the metadata."""

from benkit.api.sources import MetadataLike, as_metadata, naming
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import LocationLike, require_suffix
from benkit.files.tables.table import write_table
from benkit.metadata.summary import Summary, summarize


def summary(metadata: MetadataLike, *, output: LocationLike | None = None) -> Summary:
    """Count the patches by season and by label.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``.
    output : path or URL, optional
        Where to write the patches by label and season: Parquet, CSV or JSON, as the suffix says.

    Raises
    ------
    OptionError
        If the name of the output ends with something else.
    """
    target = None if output is None else require_suffix(output, TABLE_SUFFIXES)
    known = as_metadata(metadata)
    with naming(metadata):
        found = summarize(known)
    if target is not None:
        write_table(found.table, target)
    return found
