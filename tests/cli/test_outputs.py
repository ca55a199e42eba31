"""Where output goes that is closed, full or of ASCII; and JSON to a place that is no plain file."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import gin
import numpy as np
import pytest

from rdl.callbacks.console import PatientConsole
from rdl.cli import command_line, outputs

METRICS = Path(__file__).resolve().parents[2] / "bin" / "metrics"


@pytest.fixture
def npz(tmp_path):
    random = np.random.default_rng(0)
    factors = random.integers(0, 3, (90, 2))
    path = tmp_path / os.fsdecode("é\udcff.npz".encode("utf-8", "surrogateescape"))
    np.savez(path, codes=random.normal(size=(90, 2)) + factors, factors=factors)
    return path


def ended(npz, *arguments, redirect="", **environment):
    command = [sys.executable, str(METRICS), str(npz), "--metrics", "mig", *map(str, arguments)]
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *command], capture_output=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    ("redirect", "word"), [(">&-", b"standard output is closed"), ("> /dev/full", b"Cannot write to standard output")]
)
def test_a_closed_or_full_output_is_an_error_in_one_line(npz, redirect, word):
    result = ended(npz, redirect=redirect)
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if not line.startswith(b"# ")]
    assert word in result.stderr and len(errors) == 1


def test_a_closed_error_output_changes_nothing_but_the_words(npz):
    assert ended(npz, redirect="2>&-").returncode == 0
    assert ended("gone.npz", redirect="2>&-").returncode == 2
    assert ended("gone.npz", redirect="2> /dev/full").returncode == 2


@pytest.fixture
def no_reader():
    """A pipe whose reader has ended, such as head."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def test_a_command_without_a_reader_ends_as_by_sigpipe(npz, no_reader):
    command = [sys.executable, str(METRICS), str(npz), "--metrics", "mig"]
    result = subprocess.run(command, stdout=no_reader, stderr=subprocess.PIPE)
    assert result.returncode == 128 + signal.SIGPIPE and b"Traceback" not in result.stderr


def test_progress_without_a_reader_does_not_end_the_work(no_reader):
    with os.fdopen(os.dup(no_reader), "w") as file:
        console = PatientConsole(file=file)
        console.print("generation 0")
        console.print("generation 1")
        assert console.quiet


def test_a_terminal_of_ascii_gets_escapes(npz):
    result = ended(npz.with_name(npz.name + "é"), PYTHONIOENCODING="ascii:strict", LC_ALL="C")
    assert result.returncode == 2 and b"\\xe9" in result.stderr and len(result.stderr.splitlines()) == 1


LONG = "x" * 300


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("report", [LONG]), ("compare", [LONG]), ("compare", [f"--baselines={LONG}"]), ("data", ["prepare", LONG]),
        ("data", ["prepare", f"{LONG}.npz"]), ("metrics", [LONG]), ("study", [f"{LONG}.gin", "--seeds=0"]),
        ("train", [f"--gin_file={LONG}"]),
    ],
)  # fmt: skip
def test_a_name_that_is_too_long_is_refused(command, arguments, capsys):
    assert command_line.run(command, arguments) == 2
    told = capsys.readouterr().err.splitlines()  # a bar of progress may stand before it
    assert told[-1].startswith("error: ") and "Traceback" not in "".join(told)


def test_a_path_that_the_system_refuses_within_a_gin_call_is_an_error_in_one_line(capsys):
    @gin.configurable("outputs_opens")
    def opens():
        Path(LONG).exists()

    assert outputs.guard(opens) == 2
    assert "file name too long; choose another path" in capsys.readouterr().err
    assert outputs.guard(lambda: "\udcff.png".encode()) == 2
    assert "Cannot use '\\udcff.png', which is no UTF-8" in capsys.readouterr().err


def test_json_goes_through_links_and_into_pipes(npz, tmp_path):
    target, link, pipe = (tmp_path / name for name in ("target.json", "link.json", "pipe"))
    target.write_text("old")
    link.symlink_to(target)
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert ended(npz, "--json", link).returncode == ended(npz, "--json", pipe).returncode == 0
    reader.join(timeout=10)
    assert link.is_symlink() and json.loads(target.read_text())["results"] == json.loads(read[0])["results"]
    assert ended(npz, "--json", "/dev/null").returncode == 0 and Path("/dev/null").is_char_device()


@pytest.mark.parametrize(("name", "there"), [("factors_test", "codes_test"), ("factors", "codes")])
def test_half_a_split_is_refused(npz, tmp_path, name, there):
    with np.load(npz) as file:
        arrays = {**file, "codes_test": file["codes"], "factors_test": file["factors"]}
    del arrays[name]
    np.savez(tmp_path / "half.npz", **arrays)
    result = ended(tmp_path / "half.npz")
    assert result.returncode == 2
    assert result.stderr.decode().endswith(f"received {there} without {name}\n")
