"""How a command begins and ends, whatever its environment is: in a sentence or as a signal does, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("tap-crm", "target-crm")
FULL = "Standard output cannot be written (No space left on device)"
INTERRUPTED = """
import os, signal, sys
from {package}.command import main

class Finder:
    def find_spec(self, name, *_):
        if name == "{package}.{whole}":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
main()
"""


def told(command: str, *arguments: str, output: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs an installed command; ``output`` says where it goes."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" "$@" {output}', Path(sys.executable).with_name(command), *arguments],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, **environment},
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize(("package", "whole"), [("tap_crm", "tap"), ("target_crm", "target")])
def test_ctrl_c_while_modules_are_loaded(package: str, whole: str) -> None:
    script = INTERRUPTED.format(package=package, whole=whole)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize(
    ("command", "option", "name", "level"),
    [
        ("tap-crm", "--about", "LOGLEVEL", "trace"),
        ("tap-crm", "--help", "TAP_CRM_LOGLEVEL", "10"),
        ("target-crm", "--version", "TARGET_CRM_LOGLEVEL", "trace"),
    ],
)
def test_a_level_of_the_log_that_is_none(command: str, option: str, name: str, level: str) -> None:
    done = told(command, option, **{name: level})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{command}: {name} in the environment must be one of DEBUG, INFO")


def test_no_level_of_the_log() -> None:
    assert told("tap-crm", "--version", LOGLEVEL="").returncode == 0


@pytest.mark.parametrize(
    ("command", "option", "output", "sentence"),
    [
        ("tap-crm", "--format=json --about", ">/dev/full", FULL),
        ("target-crm", "--version", ">/dev/full", FULL),
        ("tap-crm", "--help", ">/dev/full", FULL),
        ("tap-crm", "--version", ">&-", "Standard output is closed"),
    ],
)
def test_what_is_asked_for_cannot_be_printed(command: str, option: str, output: str, sentence: str) -> None:
    done = told(command, *option.split(), output=output)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_a_completion_that_cannot_be_printed() -> None:
    done = told("tap-crm", output=">/dev/full", _TAP_CRM_COMPLETE="bash_source")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("version: [", "while parsing a flow node"),
        ("version: 1\nhandlers: {file: {class: logging.FileHandler, filename: /no/where}}", "handler 'file'"),
        ("version: 1\nfilters: 5", ""),
    ],
)
def test_a_log_that_is_told_in_a_wrong_way(tmp_path: Path, written: str, reason: str) -> None:
    (tmp_path / "log.yml").write_text(written)
    done = told("target-crm", "--version", SINGER_SDK_LOG_CONFIG=str(tmp_path / "log.yml"))
    assert done.returncode == 1
    assert done.stderr.startswith("target-crm: SINGER_SDK_LOG_CONFIG in the environment must name a YAML file")
    assert reason in done.stderr


def test_a_log_that_is_told_nowhere() -> None:
    assert told("target-crm", "--version", SINGER_SDK_LOG_CONFIG="").stderr == ""


@pytest.mark.parametrize(
    ("command", "option", "reason"),
    [
        ("tap-crm", "--state", "'/no/where': No such file or directory"),
        ("target-crm", "--input", "'/': Is a directory"),
    ],
)
def test_a_file_that_is_none(command: str, option: str, reason: str) -> None:
    done = told(command, option, reason.split("'")[1])
    assert (done.returncode, done.stderr) == (1, f"{command}: A file cannot be opened: {reason}.\n")


def test_nobody_reads_to_the_end() -> None:
    assert told("tap-crm", "--about", "--format=json", output="| head -1").stdout == "{\n"
