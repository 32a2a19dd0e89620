"""Texts that the package ships for its maps: outlines, scripts, style sheets."""

from importlib.resources import files


def shipped_text(name: str) -> str:
    """Text of a file that ``tools/map_assets.py`` has made, or of a script of ours."""
    return files("benkit.reporting").joinpath("assets", name).read_text("utf-8")
