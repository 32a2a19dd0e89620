"""The command line in a real terminal."""

import contextlib
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.engine.progress import progress_text
from benkit.samples.sample import sample as make_sample
from tests.cli.terminal import CTRL_C, Terminal
from tests.conftest import ROOT

BENKIT = [sys.executable, "-m", "benkit"]
PATCHES = 70


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal") / "sample"
    make_sample(folder, PATCHES)
    return folder


def in_terminal(*argv, columns=80):
    return Terminal([*BENKIT, *map(str, argv)], columns=columns, folder=ROOT)


@pytest.mark.parametrize("columns", [60, 160])
def test_progress_and_tables_fit_the_terminal(sample, tmp_path, columns):
    archive = sample / "BigEarthNet-v2.0-S2-with-errors"
    terminal = in_terminal(
        "audit", archive, "--metadata", sample / "metadata.parquet", "--workers", 1, columns=columns
    )
    assert terminal.finish() == 1
    progress = [state for state in terminal.states() if " of 70 patches" in state]
    assert progress
    assert all(len(state) < columns for state in progress)
    assert progress[-1].startswith("70 of 70 patches")
    table = terminal.text[terminal.text.index("kind ") : terminal.text.index("\r\n\r\nwrong_size")]
    assert all(len(line) <= columns for line in table.splitlines())
    assert "\x1b" not in terminal.text
    assert ("a band lies elsewhere than the patch id says" in table) == (columns == 160)


@pytest.mark.parametrize("columns", [60, 160])
def test_figures_of_a_split_fit_the_terminal(sample, tmp_path, columns):
    metadata = sample / "metadata.parquet"
    call = ["split", metadata, "--output", tmp_path / "split.csv"]
    terminal = in_terminal(*call, columns=columns)
    assert terminal.finish() == 0
    widest = max(len(line) for line in terminal.lines() if not line.startswith("benkit: "))
    assert widest <= columns
    assert ("areas of natural vegetation" in terminal.text) == (columns == 160)


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (80, "50 of 100 patches, 5 patches/s, 20 MB/s, 0:00:10 left"),
        (50, "50 of 100 patches, 5 patches/s, 0:00:10 left"),
        (40, "50 of 100 patches, 0:00:10 left"),
        (20, "50 of 100 patches"),
        (10, "50 of 100 "),
    ],
)
def test_progress_says_what_there_is_room_for(room, text):
    assert progress_text(50, 100, 200_000_000, 10.0, room) == text


def test_the_changing_line_is_written_over(tmp_path):
    terminal = in_terminal("sample", tmp_path / "sample", "--patches", 100)
    assert terminal.finish() == 0
    shown = [line for line in terminal.lines() if "patches," in line]
    assert len(shown) == 1
    assert shown[0].startswith("100 of 100 patches")
    assert "\r32 of 100 patches" in terminal.text


def test_help_fits_and_lists_each_verb_on_one_line():
    from benkit.cli import VERBS

    terminal = in_terminal("--help", columns=80)
    assert terminal.finish() == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text)
    for verb, purpose in VERBS.items():
        assert re.search(rf"^    {verb} +{re.escape(purpose)}\r$", plain, re.MULTILINE), verb
    assert all(len(line) <= 80 for line in plain.splitlines())


def test_what_is_piped_has_no_colour_and_whole_lines(sample):
    call = ["audit", sample / "BigEarthNet-v2.0-S2-with-errors", "--workers", 1]
    call += ["--metadata", sample / "metadata.parquet"]
    done = subprocess.run(
        [*BENKIT, *map(str, call)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    meaning = "says, has pixels of another size, or no georeference\n"
    assert f"a band lies elsewhere than the patch id {meaning}" in done.stdout


def test_quiet_and_no_progress_say_nothing(tmp_path):
    for word in ("--quiet", "--no-progress"):
        terminal = in_terminal("sample", tmp_path / word, "--patches", 40, word)
        assert terminal.finish() == 0
        assert " of 40 patches" not in terminal.text
        assert ("synthetic data" in terminal.text) == (word == "--no-progress")


def test_ctrl_c_at_work_ends_a_verb_and_leaves_nothing(tmp_path):
    terminal = in_terminal("sample", tmp_path / "sample", "--patches", 3000)
    terminal.read_until(" of 3,000 patches")
    assert_ended_by_ctrl_c(terminal, tmp_path)


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_ctrl_c_ends_a_long_computation(seconds, shared_data, tmp_path):
    call = ["split", shared_data / "metadata.parquet", "--output", tmp_path / "split.csv"]
    terminal = in_terminal(*call)  # takes many seconds
    time.sleep(seconds)
    assert_ended_by_ctrl_c(terminal, tmp_path)


@pytest.mark.parametrize("buffer", [0, 3000])
def test_ctrl_c_ends_a_search_for_a_given_time_with_the_best_so_far(sample, tmp_path, buffer):
    call = ["split", sample / "metadata.parquet", "--output", tmp_path / "split.csv"]
    terminal = in_terminal(*call, "--time", 1000, "--buffer", buffer, "--json")
    terminal.read_until("% near another side")
    terminal.press(CTRL_C)
    assert terminal.finish() == 0
    assert re.search(r"\rstart \d+, \d+ of 1,000 s, best so far \d+\.\d% near", terminal.text)
    mark = re.search(
        r"benkit: (not repeatable: searched in a given time of 1,000 s, [\d,]+ starts?)",
        terminal.text,
    )
    assert json.loads(terminal.text[terminal.text.index("\n{") :])["warnings"][-1] == mark[1]
    assert len(benkit.Split(tmp_path / "split.csv")) >= PATCHES / 3


def assert_ended_by_ctrl_c(terminal, folder):
    start = time.monotonic()
    terminal.press(CTRL_C)
    status = terminal.finish()
    assert (status, time.monotonic() - start < 10) == (130, True), terminal.text
    assert terminal.text.rstrip().endswith("benkit: interrupted")
    assert "Traceback" not in terminal.text
    assert list(folder.iterdir()) == []


def test_ctrl_c_ends_the_course_task(tmp_path):
    shutil.copy(ROOT / "main.py", tmp_path)
    call = [sys.executable, "main.py"]
    terminal = Terminal(call, folder=tmp_path, environment={"PYTHONPATH": str(ROOT)})
    terminal.read_until("synthetic sample")
    terminal.press(CTRL_C)
    assert terminal.finish() == 130, terminal.text
    assert terminal.text.rstrip().endswith("main.py: interrupted")
    assert "Traceback" not in terminal.text


INTERRUPTED = """
import signal, sys, time
import benkit.cli.verbs.summary
from benkit.cli import program

class Swallowing:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def swallowing(arguments):
    Swallowing()
    time.sleep(20)
    return 0

def ignoring(arguments):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return 0

def carrying_on(arguments):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        pass
    time.sleep(20)
    return 0

def tidying_up(arguments):
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        time.sleep(2.5)
        print("tidy", flush=True)

benkit.cli.verbs.summary.run = {}
sys.argv = ["benkit", "summary", "metadata.parquet"]
program()
"""


@pytest.mark.parametrize("run", ["swallowing", "ignoring", "carrying_on", "tidying_up"])
def test_an_interrupt_counts_wherever_python_is(run):
    """It must not be lost while an object is destroyed, nor where other code takes it for its own."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(run)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "benkit: interrupted\n")
    assert done.stdout == ("tidy\n" if run == "tidying_up" else "")
    assert time.monotonic() - start < 15


INTERRUPTED_WHILE_LOADED = """
import runpy, signal, sys

class Loading:
    def find_spec(self, name, *others):
        if name == "benkit.cli":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Loading())
runpy.run_module("benkit", run_name="__main__")
"""


def test_an_interrupt_before_the_command_line_is_loaded_says_nothing():
    call = [sys.executable, "-c", INTERRUPTED_WHILE_LOADED]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (-signal.SIGINT, "")


def test_a_termination_signal_ends_a_verb_alike(tmp_path):
    terminal = in_terminal("sample", tmp_path / "sample", "--patches", 3000)
    terminal.read_until(" of 3,000 patches")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish() == 130
    assert list(tmp_path.iterdir()) == []


def test_texts_of_others_do_not_act_on_the_terminal(sample, tmp_path, capsys):
    evil = "\x1b[31mArable\x07 land\n\u202eback"
    metadata = benkit.Metadata(sample / "metadata.parquet").table
    columns = metadata.column_names
    labels = pa.array([[evil]] * len(metadata), pa.list_(pa.string()))
    planted = metadata.set_column(columns.index("labels"), "labels", labels)
    planted = planted.set_column(
        columns.index("country"), "country", pa.array([evil] * len(metadata))
    )
    pq.write_table(planted, tmp_path / "labels.parquet")
    ids = pa.array([evil, *metadata["patch_id"].to_pylist()[1:]])
    planted = metadata.set_column(columns.index("patch_id"), "patch_id", ids)
    pq.write_table(planted, tmp_path / "ids.parquet")
    benkit.scan(sample / "BigEarthNet-v2.0-S2-with-errors", tmp_path / "inventory.parquet")
    for call, status in (
        ("split labels.parquet --output split.csv", 0),
        (f"labels {sample / 'geoparquets'} --metadata labels.parquet", 0),
        ("audit inventory.parquet --metadata ids.parquet", 1),
        ("summary ids.parquet", 2),
        (f"summary {shlex.quote(evil)}", 2),
    ):
        with contextlib.chdir(tmp_path):
            assert main(shlex.split(call)) == status
        said = "".join(capsys.readouterr())
        assert r"\x1b[31mArable\x07" in said
        assert not {"\x1b", "\x07", "\u202e"} & {*said}


def test_an_interrupt_while_the_command_loads_its_first_modules_says_nothing():
    code = """
import sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "signal":
            raise KeyboardInterrupt

sys.modules.pop("signal", None)
sys.meta_path.insert(0, Interrupting())
from benkit.__main__ import main; main()
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout + done.stderr) == (130, "")


def test_the_package_loads_next_to_nothing_before_an_interrupt_is_caught():
    code = "import sys; before = {*sys.modules}; import benkit; print({*sys.modules} - before)"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "{'benkit'}\n"
