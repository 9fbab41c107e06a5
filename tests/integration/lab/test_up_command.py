"""`vitrine serve` and `vitrine up` as a person uses them: signals end them, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.supervisor.ensemble import Ensemble

READY = "Ctrl-C stops"


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    Ensemble(tmp_path, free_ports=True).remove_database()


def vitrine(work: Path, *arguments: str) -> subprocess.Popen[str]:
    script = "from lab.commands import main; main()"
    return subprocess.Popen(
        [sys.executable, "-u", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "VITRINE_WORK": str(work), "COLUMNS": "200"},
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} was never said:\n{read}")


def children(work: Path) -> list[psutil.Process]:
    content = json.loads((work / "ensemble.json").read_text())
    return [psutil.Process(entry["pid"]) for entry in content["processes"]]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_without_an_error(work: Path, kind: signal.Signals) -> None:
    process = vitrine(work, "up", "--only", "model_server")
    read_until(process, READY)
    running = children(work)
    process.send_signal(kind)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopping everything that was started" in output
    assert len(running) == 1
    assert not any(child.is_running() for child in running)
    assert not (work / "ensemble.json").exists()


def test_ctrl_c_during_the_start_ends_it(work: Path) -> None:
    process = vitrine(work, "up", "--only", "user_profile")
    read_until(process, "postgresql serving")
    supervised = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert supervised
    assert psutil.wait_procs(supervised, timeout=5)[1] == []


def test_a_crash_is_told_and_mended(work: Path) -> None:
    process = vitrine(work, "up", "--only", "model_server")
    try:
        read_until(process, READY)
        (before,) = children(work)
        before.kill()
        read_until(process, "model_server restarting ended (exit -9); again in 0.5 s")
        read_until(process, "model_server serving")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_one_service_runs_in_the_foreground_with_its_log(work: Path) -> None:
    process = vitrine(work, "serve", "model_server")
    read_until(process, READY)
    log = read_until(process, "services.kit.serving serving")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert "model_server" in log


def test_a_second_supervisor_is_refused_in_one_line(work: Path) -> None:
    first = vitrine(work, "up", "--only", "model_server")
    try:
        read_until(first, READY)
        second = vitrine(work, "up", "--only", "model_server")
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert f"run already, under process {first.pid}" in output
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
