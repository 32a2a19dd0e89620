"""Build the parsers, and say what was meant when a verb or an option does not exist."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from benkit.cli.common import OUTPUTS
from benkit.files.remote.url import refuse_credentials
from benkit.files.safe_names import one_line

_WRONG = 2
_PURPOSE_COLUMN = 16  # of the list of verbs, so that each has one line on 80 columns


class _ListOfVerbs(argparse.HelpFormatter):
    """Help with room for the longest verb before its purpose."""

    def __init__(self, prog: str, **others: Any) -> None:
        super().__init__(prog, **{**others, "max_help_position": _PURPOSE_COLUMN})
        self._action_max_length = _PURPOSE_COLUMN  # else what is indented twice counts too little


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each, like all others of the command line."""

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else ";"
        self.exit(_WRONG, f"benkit: {one_line(message)}{end} `{self.prog} --help` tells more\n")


def parse(argv: Sequence[str], verbs: Mapping[str, str]) -> argparse.Namespace:
    """Parse a call; its verb's function is ``run``.

    Parameters
    ----------
    argv : sequence of str
        ``help VERB`` is ``VERB --help``.
    verbs : mapping of str to str
        Purposes by verb.
    """
    for text in argv:  # before anything repeats it
        refuse_credentials(text)
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    root = _root_parser()
    position = next((i for i, text in enumerate(argv) if not text.startswith("-")), len(argv))
    called = argv[position] if position < len(argv) else None
    _refuse_unknown_options(root, argv[:position])
    if called and called not in verbs and position == 0:
        root.error(f"there is no verb {called}{did_you_mean(called, verbs)}")
    subparsers = root.add_subparsers(
        title="verbs, in the order of work", metavar="VERB", required=True
    )
    for name, purpose in verbs.items():
        verb = subparsers.add_parser(
            name,
            help=purpose,
            description=f"{purpose[0].upper()}{purpose[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == called:
            _fill(verb, import_module(f"benkit.cli.verbs.{name}"))
            _refuse_unknown_options(verb, argv[position + 1 :])
    return root.parse_args(argv)


def verb_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one verb, as `parse` uses it."""
    parser = _Parser(prog=f"benkit {name}")
    _fill(parser, import_module(f"benkit.cli.verbs.{name}"))
    return parser


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Arguments and options of a parser, in the order of its help."""
    return [action for action in parser._actions if action.help != argparse.SUPPRESS]


def _root_parser() -> _Parser:
    from benkit import __version__

    parser = _Parser(
        prog="benkit",
        description="Check, measure, label and split Sentinel-2 patch archives.",
        epilog="`benkit help VERB` or `benkit VERB --help` shows the options of a verb and an example.",
        formatter_class=_ListOfVerbs,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _fill(parser: argparse.ArgumentParser, module: ModuleType) -> None:
    """Give a verb its own arguments, and those that all verbs share."""
    parser.epilog = module.EXAMPLE
    module.add_arguments(parser)
    names = {action.dest for action in options_of(parser)}
    shared = parser.add_argument_group("options of all verbs")
    shared.add_argument("--json", action="store_true", help="print one JSON object")
    if names & set(OUTPUTS) and "overwrite" not in names:
        shared.add_argument(
            "--overwrite",
            action=argparse.BooleanOptionalAction,
            help="replace whatever the output's name holds, even an input; or replace nothing. "
            "Default: replace a file, but no input",
        )
    shared.add_argument("--no-progress", action="store_true", help="no progress on stderr")
    voice = shared.add_mutually_exclusive_group()
    voice.add_argument(
        "-v", "--verbose", action="store_true", help="tell more: time taken, where errors come from"
    )
    voice.add_argument(
        "-q", "--quiet", action="store_true", help="say nothing but results and errors"
    )
    parser.set_defaults(run=module.run)


def _refuse_unknown_options(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """End with the nearest option that there is; the parser alone would name what else is missing."""
    known = [name for action in options_of(parser) for name in action.option_strings]
    for text in argv:
        if text == "--":
            return
        name = text.partition("=")[0]
        if not name.startswith("--") or " " in name:
            continue
        if not any(option.startswith(name) for option in known):
            parser.error(f"there is no option {name}{did_you_mean(name, known)}")


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """End of a message that a text is unknown: the nearest known one, or all."""
    names = list(known)
    near = get_close_matches(text, names, n=1) or [name for name in names if text in name][:1]
    return f"; did you mean {near[0]}?" if near else f": expected {', '.join(names)}"
