"""Scripts that let shells complete verbs, options and paths."""

import argparse
from pathlib import Path

from benkit.cli.options import location_of

SHELLS = ("bash", "zsh", "fish")

_HELP = {"help": "show the options of a verb"}


def completion_script(
    shell: str, options: dict[str, list[argparse.Action]], purposes: dict[str, str]
) -> str:
    """The script for one of `SHELLS`, from the options and the purpose of each verb."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](options, purposes)


def _metavar(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def _words(action: argparse.Action) -> str:
    """The values to choose from."""
    return " ".join(map(str, action.choices or ()))


def _value(action: argparse.Action) -> str:
    """What comes after it, to complete: ``none``, ``words``, ``files``, ``folders`` or ``anything``."""
    metavar = _metavar(action)
    if action.nargs == 0:
        return "none"
    if action.choices:
        return "words"
    if any(name in metavar for name in ("DIR", "ARCHIVE", "ROOT", "SOURCE", "PATH")):
        return "folders" if "_OR_" not in metavar and metavar != "SOURCE" else "files"
    return "files" if action.type in (Path, location_of) or metavar == "FILE" else "anything"


def _bash(options: dict[str, list[argparse.Action]], purposes: dict[str, str]) -> str:
    """A bash function that chooses by the verb and by the word before the one to complete."""
    cases = "\n".join(_bash_case(verb, actions) for verb, actions in options.items())
    verbs = " ".join(purposes)
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
        COMPREPLY=($(IFS=' ' compgen -W '{verbs} help --help --version' -- "$word"))
        return
    fi
    case $verb in
{cases}
        help) words='{verbs}' ;;
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


def _bash_case(verb: str, actions: list[argparse.Action]) -> str:
    options = " ".join(
        name for one in actions for name in one.option_strings if name.startswith("--")
    )
    after = [
        f"            {'|'.join(one.option_strings)}) {_bash_value(one)} ;;"
        for one in actions
        if one.option_strings and one.nargs != 0
    ]
    first = next((_bash_value(one) for one in actions if not one.option_strings), ":")
    lines = "\n".join(after)
    return f"""\
        {verb}) case $before in
{lines}
            *) if [[ $word == -* ]]; then words='{options}'; else {first}; fi ;;
        esac ;;"""


def _bash_value(action: argparse.Action) -> str:
    values = {"words": f"words='{_words(action)}'", "files": "files=-f", "folders": "files=-d"}
    return values.get(_value(action), ":")


def _zsh(options: dict[str, list[argparse.Action]], purposes: dict[str, str]) -> str:
    """A function for zsh's own `_arguments`."""
    listing = "\n".join(
        f"            {_zsh_quoted(f'{verb}:{purpose}')}"
        for verb, purpose in (purposes | _HELP).items()
    )
    cases = "\n".join(_zsh_case(verb, actions) for verb, actions in options.items())
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
        help) _arguments ':verb:({" ".join(purposes)})' ;;
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _benkit "$@"; else compdef _benkit benkit; fi"""


def _zsh_case(verb: str, actions: list[argparse.Action]) -> str:
    specs = " \\\n            ".join(map(_zsh_spec, actions))
    return f"        {verb}) _arguments -s \\\n            {specs} ;;"


def _zsh_spec(action: argparse.Action) -> str:
    values = {
        "words": f"({_words(action)})",
        "files": "_files",
        "folders": "_files -/",
        "anything": " ",
    }
    metavar, names = _metavar(action).replace(":", r"\:"), action.option_strings
    value = f":{metavar}:{values.get(_value(action), '')}"
    if not names:
        return _zsh_quoted(f"{'*' * (action.nargs in ('+', '*'))}{value}")
    text = (action.help or "") % {**vars(action), "prog": "benkit"}
    text = "".join(f"\\{sign}" if sign in "[]:\\" else sign for sign in text)
    spec = f"[{text}]{'' if action.nargs == 0 else value}"
    if len(names) == 1:
        return _zsh_quoted(f"{names[0]}{spec}")
    excluded = _zsh_quoted(f"({' '.join(names)})")
    return f"{excluded}{{{','.join(names)}}}{_zsh_quoted(spec)}"


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(options: dict[str, list[argparse.Action]], purposes: dict[str, str]) -> str:
    """A line for each verb, option and argument."""
    verbs = [
        f"complete -c benkit -n __benkit_no_verb -a {verb} -d {_fish_quoted(purpose)}"
        for verb, purpose in (purposes | _HELP).items()
    ]
    lines = [_fish_line(verb, action) for verb, actions in options.items() for action in actions]
    return "\n".join(
        [
            "# fish completion for benkit, made by `benkit completion fish`",
            "function __benkit_no_verb; test (count (commandline -opc)) -eq 1; end",
            "function __benkit_verb",
            "    set -l words (commandline -opc)",
            "    test (count $words) -gt 1; and test $words[2] = $argv[1]",
            "end",
            "complete -c benkit -f",
            "complete -c benkit -n __benkit_no_verb -s h -l help -d 'show help'",
            "complete -c benkit -n __benkit_no_verb -l version -d 'show the version'",
            *verbs,
            f"complete -c benkit -n '__benkit_verb help' -a '{' '.join(purposes)}'",
            *(line for line in lines if line),
        ]
    )


def _fish_line(verb: str, action: argparse.Action) -> str:
    """What completes an option or argument of a verb; empty for an argument of any other text."""
    value = {
        "none": "",
        "words": f" -x -a {_fish_quoted(_words(action))}",
        "files": " -r -F",
        "folders": " -x -a '(__fish_complete_directories)'",
        "anything": " -x",
    }[_value(action)]
    start = f"complete -c benkit -n '__benkit_verb {verb}'"
    if not action.option_strings:
        return start + value.removeprefix(" -x").removeprefix(" -r") if value != " -x" else ""
    names = "".join(
        f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
        for name in action.option_strings
    )
    text = (action.help or "") % {**vars(action), "prog": "benkit"}
    return f"{start}{names}{value} -d {_fish_quoted(text)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
