"""Seasons and labels of the metadata."""

from collections.abc import Callable, Sequence

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import known_metadata
from benkit.api.inputs.sources import MetadataLike, TableLike, naming
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import LocationLike, require_suffix
from benkit.files.tables.table import write_table
from benkit.metadata.summary import Summary, summarize
from benkit.option_types import with_option_types


@with_option_types
def summary(
    metadata: MetadataLike,
    *,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    output: LocationLike | None = None,
) -> Summary:
    """Count the patches by season and by label.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``; or an inventory, as of `split`.
    exclude : path, URL, Audit or table, optional
        Without the patches that these findings of `benkit.audit` name.
    exclude_kinds : sequence of str, optional
        Of these kinds of findings alone.
    where : str, optional
        Only patches for which this SQL condition is true, over the columns of the metadata and those of
        `benkit.metadata.described`.
    tell : callable, optional
        Called with a sentence about what is left out.
    output : path or URL, optional
        Where to write the patches by label and season: Parquet, CSV or JSON, as the suffix says.

    Raises
    ------
    OptionError
        If the name of the output ends with something else, or the condition is none.
    InputFormatError
        If no patch is left.
    """
    target = None if output is None else require_suffix(output, TABLE_SUFFIXES)
    choice = Choice(exclude, exclude_kinds, where, tell)
    known = choice.of_metadata(known_metadata(metadata, tell=tell, others=choice.columns()))
    with naming(metadata):
        found = summarize(known)
    if target is not None:
        write_table(found.table, target)
    return found
