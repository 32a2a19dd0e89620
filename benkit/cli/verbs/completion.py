"""``benkit completion``."""

import argparse

from benkit.cli.printing import show

EXAMPLE = """\
example: benkit completion bash > ~/.local/share/bash-completion/completions/benkit
         benkit completion zsh > ~/.zfunc/_benkit   (with fpath+=~/.zfunc before compinit)
         benkit completion fish > ~/.config/fish/completions/benkit.fish

For this session only: eval "$(benkit completion bash)", the same with zsh, or in fish
`benkit completion fish | source`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from benkit.cli.completion import SHELLS

    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(arguments: argparse.Namespace) -> int:
    from benkit.cli import VERBS
    from benkit.cli.completion import completion_script
    from benkit.cli.parsing import options_of, verb_parser

    options = {verb: options_of(verb_parser(verb)) for verb in VERBS}
    script = completion_script(arguments.shell, options, VERBS)
    if arguments.json:
        show(arguments, {"shell": arguments.shell, "script": script})
    else:
        print(script)
    return 0
