"""``benkit completion``."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from benkit.cli.common import location_of, show

EXAMPLE = """\
example: benkit completion bash > ~/.local/share/bash-completion/completions/benkit
         benkit completion zsh > ~/.zfunc/_benkit   (with fpath+=~/.zfunc before compinit)

For this session only: eval "$(benkit completion bash)", or the same with zsh."""

SHELLS = ("bash", "zsh")


@dataclass(frozen=True)
class _Argument:
    """What a shell has to know of an argument or option.

    Attributes
    ----------
    names : tuple of str
        ``--output``, or nothing for an argument that goes by its place.
    value : str
        What comes after it: ``none``, ``words``, ``files``, ``folders`` or ``anything``.
    words : tuple of str
        The values to choose from.
    metavar, help : str
    many : bool
        Whether an argument takes several values.
    """

    names: tuple[str, ...]
    value: str
    words: tuple[str, ...]
    metavar: str
    help: str
    many: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=" or ".join(SHELLS))


def run(arguments: argparse.Namespace) -> int:
    from benkit.cli import VERBS
    from benkit.cli.parsing import options_of, verb_parser

    verbs = {
        verb: [_describe(action) for action in options_of(verb_parser(verb))] for verb in VERBS
    }
    script = {"bash": _bash, "zsh": _zsh}[arguments.shell](verbs, VERBS)
    if arguments.json:
        show(arguments, {"shell": arguments.shell, "script": script})
    else:
        print(script)
    return 0


def _describe(action: argparse.Action) -> _Argument:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    words = tuple(map(str, action.choices or ()))
    if action.nargs == 0:
        value = "none"
    elif words:
        value = "words"
    elif any(name in metavar for name in ("DIR", "ARCHIVE", "ROOT", "SOURCE", "PATH")):
        value = "folders" if "_OR_" not in metavar and metavar != "SOURCE" else "files"
    elif action.type in (Path, location_of) or metavar == "FILE":
        value = "files"
    else:
        value = "anything"
    text = (action.help or "") % {**vars(action), "prog": "benkit"}
    many = action.nargs in ("+", "*")
    return _Argument(tuple(action.option_strings), value, words, metavar, text, many)


def _bash(verbs: dict[str, list[_Argument]], purposes: dict[str, str]) -> str:
    """A function that looks at the verb and at the word before the one to complete."""
    cases = "\n".join(_bash_case(verb, arguments) for verb, arguments in verbs.items())
    return f"""\
# bash completion for benkit, made by `benkit completion bash`
_benkit() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local verb=${{COMP_WORDS[1]}} words= files= IFS=$'\\n'
    COMPREPLY=()
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=($(IFS=' ' compgen -W '{" ".join(verbs)} --help --version' -- "$word"))
        return
    fi
    case $verb in
{cases}
        *) return ;;
    esac
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen "$files" -- "$word"))
    else
        COMPREPLY=($(IFS=' ' compgen -W "$words" -- "$word"))
    fi
}}
complete -F _benkit benkit"""


def _bash_case(verb: str, arguments: list[_Argument]) -> str:
    options = " ".join(name for one in arguments for name in one.names if name.startswith("--"))
    after = [
        f"            {'|'.join(one.names)}) {_bash_value(one)} ;;"
        for one in arguments
        if one.names and one.value != "none"
    ]
    places = [one for one in arguments if not one.names]
    place = _bash_value(places[0]) if places else ":"
    lines = "\n".join(after)
    return f"""\
        {verb}) case $before in
{lines}
            *) if [[ $word == -* ]]; then words='{options}'; else {place}; fi ;;
        esac ;;"""


def _bash_value(one: _Argument) -> str:
    if one.value == "words":
        return f"words='{' '.join(one.words)}'"
    return {"files": "files=-f", "folders": "files=-d"}.get(one.value, ":")


def _zsh(verbs: dict[str, list[_Argument]], purposes: dict[str, str]) -> str:
    """A function for zsh's own `_arguments`."""
    listing = "\n".join(f"            {_zsh_quoted(f'{verb}:{purposes[verb]}')}" for verb in verbs)
    cases = "\n".join(_zsh_case(verb, arguments) for verb, arguments in verbs.items())
    return f"""\
#compdef benkit
# zsh completion for benkit, made by `benkit completion zsh`
_benkit() {{
    local context state line
    local -a verbs
    _arguments -C '(- *)'{{-h,--help}}'[show help]' '(- *)--version[show the version]' \\
        '1:verb:->verb' '*::argument:->arguments'
    if [[ $state == verb ]]; then
        verbs=(
{listing}
        )
        _describe -t verbs verb verbs
        return
    fi
    case $words[1] in
{cases}
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _benkit "$@"; else compdef _benkit benkit; fi"""


def _zsh_case(verb: str, arguments: list[_Argument]) -> str:
    specs = " \\\n            ".join(_zsh_spec(one) for one in arguments)
    return f"        {verb}) _arguments -s \\\n            {specs} ;;"


def _zsh_spec(one: _Argument) -> str:
    action = {
        "words": f"({' '.join(one.words)})",
        "files": "_files",
        "folders": "_files -/",
        "anything": " ",
    }.get(one.value, "")
    text = "".join(f"\\{sign}" if sign in "[]:\\" else sign for sign in one.help)
    metavar = one.metavar.replace(":", r"\:")
    if not one.names:
        return _zsh_quoted(f"{'*' if one.many else ''}:{metavar}:{action}")
    value = f":{metavar}:{action}" if one.value != "none" else ""
    others = f"({' '.join(one.names)})" if len(one.names) > 1 else ""
    names = f"{{{','.join(one.names)}}}" if len(one.names) > 1 else one.names[0]
    if others:
        return f"{_zsh_quoted(others)}{names}{_zsh_quoted(f'[{text}]{value}')}"
    return _zsh_quoted(f"{names}[{text}]{value}")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
