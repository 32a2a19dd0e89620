"""The completion scripts, by the shells that they are for."""

import os
import shutil
import subprocess

import pytest

from benkit.cli import VERBS, main
from benkit.cli.parsing import options_of, verb_parser
from tests.cli.terminal import Terminal


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "metadata.parquet").touch()
    (tmp_path / "a name.csv").touch()
    (tmp_path / "archive").mkdir()
    return tmp_path


def script_of(shell, folder, capsys):
    assert main(["completion", shell]) == 0
    path = folder / f".benkit.{shell}"
    path.write_text(capsys.readouterr().out)
    return path


def shell(name):
    """Where a shell is; continuous integration must have it."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") == "true" and shutil.which("apt-get"):
        for call in (["update", "-qq"], ["install", "-y", "-qq", name]):
            subprocess.run(["apt-get", *call], check=True, capture_output=True)
        path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; apt-get install {name}, or your system's like")
    return path


OFFERED = pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sc"], {"scan"}),
        (["scan", ""], {"archive"}),
        (["summary", "meta"], {"metadata.parquet"}),
        (["summary", "a"], {"a name.csv", "archive"}),
        (["audit", "x", "--metadata", "m"], {"metadata.parquet"}),
        (["inspect", "a"], {"archive"}),
        (["stats", "x", "--eng"], {"--engine"}),
        (["stats", "x", "--engine", ""], {"processes", "ray"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["help", "pa"], {"patchify"}),
        (["help", ""], {*VERBS}),
        (["split", "x", "--seed", ""], set()),
        (["nonsense", ""], set()),
    ],
)


@OFFERED
def test_fish_offers(words, expected, folder, capsys):
    program = shell("fish")
    script = script_of("fish", folder, capsys)
    line = " ".join(["benkit", *words])
    code = f"source {script}; complete -C '{line}'"
    command = [program, "--no-config", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    offered = {
        text.split("\t")[0].rstrip("/").replace("\\ ", " ") for text in done.stdout.splitlines()
    }
    assert offered == expected
    assert done.stderr == ""


def test_every_option_of_every_verb_is_offered_by_fish(folder, capsys):
    program = shell("fish")
    script = script_of("fish", folder, capsys)
    code = f'source {script}; for verb in {" ".join(VERBS)}; complete -C "benkit $verb --"; end'
    command = [program, "--no-config", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
    options = [
        name
        for verb in VERBS
        for action in options_of(verb_parser(verb))
        for name in action.option_strings
        if name.startswith("--")
    ]
    assert sorted(offered) == sorted(options)
    assert done.stderr == ""


@OFFERED
def test_bash_offers(words, expected, folder, capsys):
    script = script_of("bash", folder, capsys)
    quoted = " ".join(f"'{word}'" for word in ["benkit", *words])
    code = f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _benkit; "
    code += "printf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run(
        ["bash", "--norc", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert {line for line in done.stdout.split("\n") if line} == expected
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([""], {*VERBS, "help", "--help", "--version"}),
        (["stats", "x", "--engine", "=", "r"], {"ray"}),
    ],
)
def test_bash_offers_its_own(words, expected, folder, capsys):
    test_bash_offers(words, expected, folder, capsys)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_every_verb_is_offered_by_bash(verb, folder, capsys):
    script = script_of("bash", folder, capsys)
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    usage = capsys.readouterr().out
    code = f"source '{script}'; COMP_WORDS=(benkit {verb} --); COMP_CWORD=2; _benkit; "
    code += "printf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    offered = done.stdout.split()
    assert {"--json", "--quiet", "--verbose", "--help"} <= set(offered)
    assert all(option in usage for option in offered)


def test_bash_completes_at_the_tab_key(folder, capsys):
    script = script_of("bash", folder, capsys)
    terminal = Terminal(
        ["bash", "--norc", "--noprofile", "-i"], folder=folder, environment={"PS1": "> "}
    )
    terminal.read_until("> ")
    terminal.press(f"source {script.name}\n".encode())
    terminal.press(b"benkit summ\t")
    terminal.read_until("benkit summary ")
    terminal.press(b"met\t")
    terminal.read_until("benkit summary metadata.parquet ")
    terminal.press(b"--js\t")
    terminal.read_until("metadata.parquet --json ")
    terminal.press(b"\x15exit\n")  # Ctrl-U: forget the line
    terminal.finish()


@pytest.mark.parametrize("loaded", ["eval", "fpath"])
def test_zsh_completes_at_the_tab_key(loaded, folder, capsys):
    program = shell("zsh")
    script = script_of("zsh", folder, capsys)
    terminal = Terminal([program, "-f", "-i"], folder=folder, environment={"PS1": "> "})
    terminal.read_until("> ")
    if loaded == "eval":
        load = f'autoload -Uz compinit; compinit -u -D; eval "$(< {script.name})"'
    else:
        (folder / "functions").mkdir()
        script.rename(folder / "functions" / "_benkit")
        load = "fpath+=$PWD/functions; autoload -Uz compinit; compinit -u -D"
    terminal.press(f"{load}; echo rea''dy\n".encode())
    terminal.read_until("ready")
    terminal.press(b"benkit summ\t")
    terminal.read_until("benkit summary ")
    terminal.press(b"met\t")
    terminal.read_until("metadata.parquet ")
    terminal.press(b"--js\t")
    terminal.read_until("--json ")
    terminal.press(b"\x15benkit stats metadata.parquet --engine pro\t")
    terminal.read_until("processes ")
    terminal.press(b"\x15exit\n")
    terminal.finish()
