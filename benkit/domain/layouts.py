"""The built-in layouts, which are described by TOML texts as any other (see docs/layouts.md)."""

import copyreg
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from benkit.domain.layout import Layout
from benkit.domain.layout_text import parse_description

BUILT_IN = (
    "bigearthnet-s2",
    "bigearthnet-s1",
    "bigearthnet-v1-s2",
    "bigearthnet-v1-s1",
    "eurosat-ms",
    "ssl4eo-s12-s1",
    "ssl4eo-s12-s2c",
    "ssl4eo-s12-s2a",
    "major-tom",
    "major-tom-grid",
)
"""Names of the layouts that need no description."""


@lru_cache
def built_in(name: str) -> Layout:
    """A built-in layout by its name."""
    source = files("benkit.domain") / "layout_files" / f"{name}.toml"
    return replace(parse_description(source.read_text("utf-8"), name), text="")


@lru_cache
def parse_layout(text: str, source: str) -> Layout:
    """The layout of a description; its errors are those of `parse_description`."""
    return parse_description(text, source)


def _by_its_description(layout: Layout) -> tuple[Callable[..., Layout], tuple[str, ...]]:
    """How a layout is pickled: in another process it is the same value again."""
    return (parse_layout, (layout.text, layout.name)) if layout.text else (built_in, (layout.name,))


copyreg.pickle(Layout, _by_its_description)


ARCHIVE_METADATA = "metadata.parquet"
"""Name of the metadata that an archive may keep beside its products; no other file belongs there."""

BIGEARTHNET_S2 = built_in("bigearthnet-s2")
"""Sentinel-2 patches of BigEarthNet v2.0: twelve bands in the order of their wavelength.

A patch covers 1200 m x 1200 m. Sentinel-2 measures in three pixel sizes, so a band has 120, 60 or 20
pixels a side. B10 (cirrus) carries no information on the surface and is not part of Level-2A products.
"""

BANDS = BIGEARTHNET_S2.bands
"""The twelve bands of a Sentinel-2 patch by name."""
