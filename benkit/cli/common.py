"""How verbs call their functions, and what is refused before any work."""

import argparse
import re
from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from benkit.cli.printing import note
from benkit.engine import Engine
from benkit.engine.progress import end_line
from benkit.errors import OptionError, OutputError
from benkit.files.remote.location import Location, RemotePath

Result = TypeVar("Result")

OUTPUTS = (
    "output",
    "guess_layout",
    "findings",
    "differences",
    "figure",
    "figures",
    "correlogram",
    "missing",
)
"""Names of the arguments that say where something is written."""

_ADDRESS = re.compile("[A-Za-z][A-Za-z0-9+.-]+:/")  # what is left of a URL that became a path


def call(
    verb: Callable[..., Result], arguments: argparse.Namespace, *values: Any, **others: Any
) -> Result:
    """Call a verb's function with the arguments and options that bear its parameters' names.

    What was not given is None, which leaves the choice to the function's default. ``values`` go to its
    ``*`` parameter, ``others`` take the place of options with other names.
    """
    given = {
        **vars(arguments),
        "metadata": _alone(getattr(arguments, "metadata", None), getattr(arguments, "beside", [])),
        "progress": not (arguments.no_progress or arguments.quiet),
        "tell": _tell,
        **others,
    }
    if "engine" in given:
        engine = Engine(arguments.engine, arguments.workers, arguments.ray_address)
        given["engine"] = None if engine == Engine() else engine
    names = [
        name for name, one in signature(verb).parameters.items() if one.kind != one.VAR_POSITIONAL
    ]
    return verb(*values, **{name: given[name] for name in names if given.get(name) is not None})


def _tell(text: str) -> None:
    end_line()
    note(text)


def _alone(
    values: list[Location] | None, beside: list[Location]
) -> Location | list[Location] | None:
    """The one that was given, or all."""
    values = values and [*values, *beside]
    return values[0] if values and len(values) == 1 else values


def check_outputs(arguments: argparse.Namespace, more: Sequence[Location] = ()) -> None:
    """Refuse, before any work, to replace an input; and any file at all with --no-overwrite.

    Also to write where nothing can be written, and a URL where only paths are expected. ``more``
    are outputs that the arguments do not name as they are.
    """
    values = vars(arguments)
    for path in (path for value in values.values() for path in _locations(value)):
        if isinstance(path, Path) and _ADDRESS.match(str(path)):
            raise OptionError(
                f"{path}: expected a path on this machine; docs/remote.md says which verbs take URLs"
            )
    outputs = [path for name in OUTPUTS for path in _locations(values.get(name))] + [*more]
    for output in outputs:
        if isinstance(output, RemotePath) and (reason := output.refuse_writing()):
            raise OutputError(f"{output}: cannot be written: {reason}; write to a file")
    overwrite = getattr(arguments, "overwrite", None)
    if overwrite:
        return
    inputs = [path for name in values if name not in OUTPUTS for path in _locations(values[name])]
    for output in outputs:
        if any(_same_file(output, path) for path in inputs):
            raise OutputError(
                f"{output}: is an input of this call and would be replaced; write to another file, "
                "or say --overwrite"
            )
        if overwrite is False and output.is_file():
            raise OutputError(
                f"{output}: is there already; write to another file, or say --overwrite"
            )


def _locations(value: Any) -> list[Location]:
    """The paths and locations among the values of an argument."""
    return [
        one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Location)
    ]


def _same_file(output: Location, other: Location) -> bool:
    if isinstance(output, RemotePath) or isinstance(other, RemotePath):
        return output == other
    return output.is_file() and other.is_file() and output.samefile(other)


def require(condition: bool, message: str) -> None:
    """Refuse options that do not go together."""
    if not condition:
        raise OptionError(message)
