"""Arguments of wrong types are one clear error, before any work, whichever function is called."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars
import pytest

import benkit
from benkit import Engine, OptionError, Retry
from benkit.option_types import with_option_types

WRONG = [3, "x", object(), [3], {"a": 1}, 1.5, b"x", None]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            {"bands": 3},
            "expected bands as a collection of texts, or None, but it is of the type int: 3",
        ),
        (
            {"bands": "B02"},
            "expected bands as a collection of texts, or None, but it is of the type str: 'B02'",
        ),
        ({"bands": ["B02", 3]}, r"expected bands as .*, but it is of the type list: \['B02', 3\]"),
        ({"size": "x"}, "expected size as a whole number, or None, but it is of the type str: 'x'"),
        (
            {"size": 1.5},
            "expected size as a whole number, or None, but it is of the type float: 1.5",
        ),
        (
            {"size": True},
            "expected size as a whole number, or None, but it is of the type bool: True",
        ),
        (
            {"threads": None},
            "expected threads as a whole number, but it is of the type NoneType: None",
        ),
        (
            {"normalise": {"B02": 1}},
            r"expected normalise as 'train', or .*, but it is of the type dict: {'B02': 1}",
        ),
        ({"s1": "x"}, r"expected s1 as 2 values, .*, or None, but it is of the type str: 'x'"),
        ({"order": object()}, "expected order as a text, or None, but it is of the type object"),
    ],
)
def test_options_of_a_data_set(option, said, tmp_path):
    with pytest.raises(OptionError, match=f"^{said}$"):
        benkit.PatchDataset(tmp_path / "inventory.parquet", tmp_path, **option)


VERBS = [name for name in benkit.__all__ if inspect.isfunction(getattr(benkit, name))]
PARSERS = {
    "as_location",
    "class_order",
    "open_patch",
    "parse_patch_id",
    "parse_product",
    "parse_tile",
}


@pytest.mark.parametrize("verb", sorted({*VERBS, "PatchDataset"} - PARSERS - {"sample"}))
def test_every_option_of_every_verb(verb, tmp_path, monkeypatch):
    """None ends with an error of Python's own, and none does any work: what they read is not there."""
    monkeypatch.chdir(tmp_path)
    function = getattr(benkit, verb)
    parameters = inspect.signature(function).parameters.values()
    needed = {one.name: tmp_path / "nothing" for one in parameters if one.default is one.empty}
    needed = {name: path for name, path in needed.items() if name != "folders"}
    for one in parameters:
        for wrong in WRONG if one.kind != one.VAR_POSITIONAL else ():
            with pytest.raises(benkit.BenkitError):
                function(**{**needed, one.name: wrong})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["folder", "patches", "seed", "layout", "engine"])
def test_options_of_a_sample(option, tmp_path):
    with pytest.raises(OptionError, match=f"expected {option} as "):
        benkit.sample(**{"folder": tmp_path / "sample", option: object()})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("value", "options"), [(Engine, "workers"), (Retry, "total")])
def test_options_of_values(value, options):
    for wrong in ("x", [3], {"a": 1}, b"x"):
        with pytest.raises(OptionError, match=f"expected {options} as a .*number"):
            value(**{options: wrong})


@with_option_types
def verb(
    number: float = 1,
    count: int = 1,
    flag: bool = False,
    names: Sequence[str] = (),
    pair: tuple[float, float] = (0, 1),
    numbers: Mapping[str, float] | None = None,
    kind: Literal["a", "b"] = "a",
    some: Iterable[str] = (),
    tell: Callable[[str], object] | None = None,
    anything: Any = None,
    later: "Engine | None" = None,
) -> bool:
    return True


def test_what_stands_for_the_same_is_taken():
    assert verb(np.float32(1), np.int64(3), np.bool_(True), np.array(["a", "b"]), np.array([1, 2]))
    assert verb(1, 2, True, polars.Series(["a"]), [1.5, 2], {"a": np.float64(1)}, "b", iter(["a"]))
    assert verb(tell=print, anything=object(), later=3, some={"a"}, names={"a": 1}.keys())


def test_what_python_itself_refuses_stays_so():
    with pytest.raises(TypeError, match="unexpected keyword"):
        verb(colour=3)
    with pytest.raises(TypeError, match="missing 1 required"):
        benkit.stats()
