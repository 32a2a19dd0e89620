"""Refuse arguments of other types than their annotations, before any work."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from reprlib import repr as short
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

from benkit.errors import OptionError

Result = TypeVar("Result")
Given = ParamSpec("Given")

_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a text",
    NoneType: "None",
}
_SHOWN = (Real, str, bytes, list, tuple, dict, NoneType)


def with_option_types(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """A function that refuses arguments of other types than its annotations with an `OptionError`.

    What an annotation cannot tell, such as of a protocol or ``Any``, is for the function to judge.

    Examples
    --------
    >>> @with_option_types
    ... def cut(size: int, bands: Collection[str] = ()): ...
    >>> cut(10, bands=["B02"])
    >>> cut(10, bands=3)
    Traceback (most recent call last):
    benkit.errors.OptionError: expected bands as a collection of texts, but it is of the type int: 3
    """
    parameters = signature(function).parameters.values()
    in_place = [one.name for one in parameters if one.kind == Parameter.POSITIONAL_OR_KEYWORD]
    hints = {one.name: one.annotation for one in parameters}

    @wraps(function)
    def checked(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        require_types({**dict(zip(in_place, args, strict=False)), **kwargs}, hints)
        return function(*args, **kwargs)

    return checked


def require_types(values: Mapping[str, object], hints: Mapping[str, Any]) -> None:
    """Refuse values, by name, of other types than these."""
    for name, value in values.items():
        hint = hints.get(name, Any)
        if not _fits(value, hint):
            what = f"{_type(value)}: {short(value)}" if isinstance(value, _SHOWN) else _type(value)
            raise OptionError(f"expected {name} as {_in_words(hint)}, but it is of the type {what}")


def _type(value: object) -> str:
    return type(value).__name__


def _fits(value: object, hint: Any) -> bool:
    """Whether a value may be of a type, as far as that tells."""
    if hint in (Any, Parameter.empty) or getattr(hint, "_is_protocol", False):
        return True
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in args)
    if origin is Literal:
        return isinstance(value, str)
    if hint is bool:
        return _type(value) == "bool"  # NumPy's, too
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and _type(value) != "bool"
    if origin is tuple and Ellipsis not in args:
        return (
            _holds(value, args[0], len(args)) if len({*args}) == 1 else _is_list(value, len(args))
        )
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(one, args[1]) for one in value.values())
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _holds(value, args[0])
    kind = origin or (NoneType if hint is None else hint)
    return isinstance(value, kind) if isinstance(kind, type) else True


def _is_list(value: object, length: int | None = None) -> bool:
    is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return is_list and (length is None or (isinstance(value, Collection) and len(value) == length))


def _holds(value: Any, kind: Any, length: int | None = None) -> bool:
    """Whether a value is a list, or the like, of values of a kind."""
    return _is_list(value, length) and (
        not isinstance(value, Collection) or all(_fits(one, kind) for one in value)
    )


def _in_words(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        said = list(dict.fromkeys(_in_words(one) for one in args))
        if "a path" in said:
            said = [one for one in said if one not in ("a text", "a RemotePath")]
        return ", or ".join(said)
    if origin is Literal:
        return " or ".join(map(repr, args))
    if origin is tuple:
        return f"{len(args)} values, ({', '.join(map(_in_words, args))})"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping to {_in_words(args[1])}"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        kind = _in_words(args[0]).removeprefix("a ")
        return f"a collection of {kind}s"
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is os.PathLike:
        return "a path"
    name = getattr(hint, "__name__", str(hint))
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
