"""The supervisor with a real PostgreSQL and small servers in place of the services."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from lab.supervisor.directory import addresses_of, read_directory
from lab.supervisor.ensemble import AlreadyRunning, Ensemble, StartCancelled
from lab.supervisor.health import GrpcProbe
from lab.supervisor.topology import Topology
from lab.supervisor.unit import ProcessEvent, ProcessFailed

STAND_IN = Path(__file__).with_name("stand_in.py")


def topology_of(work: Path, **changes: object) -> Topology:
    environment = {"STAND_IN_JOURNAL": str(work / "journal"), "STAND_IN_NAME": "first"}
    first = {
        "name": "first", "command": [str(STAND_IN)], "migrate": ["-c", "print('migrated')"], "port": 0,
        "database": True, "pool_size": 2, "secrets": ["pseudonym_key"], "environment": environment,
    }  # fmt: skip
    second = {
        "name": "second", "command": [str(STAND_IN)], "port": 0, "depends_on": ["first"],
        "environment": {**environment, "STAND_IN_NAME": "second"},
    }  # fmt: skip
    return Topology.model_validate({"process": [first, {**second, **changes}]})


@pytest.fixture
def ensemble(tmp_path: Path) -> Iterator[Ensemble]:
    made = Ensemble(tmp_path, topology=topology_of(tmp_path), replicas={"first": 2}, free_ports=True)
    try:
        yield made
    finally:
        made.stop()
        made.remove_database()


def test_everything_starts_in_order_and_stops_in_reverse(ensemble: Ensemble) -> None:
    ensemble.start()
    pids = ensemble.pids()
    assert {name: len(found) for name, found in pids.items()} == {"postgresql": 1, "first": 2, "second": 1}
    assert (ensemble.work / "journal").read_text().splitlines() == ["start first", "start first", "start second"]
    ensemble.stop()
    stops = (ensemble.work / "journal").read_text().splitlines()[3:]
    assert stops == ["stop second", "stop first", "stop first"]
    assert not any(psutil.pid_exists(pid) for found in pids.values() for pid in found)


async def test_the_database_answers_and_is_kept_for_the_next_run(tmp_path: Path) -> None:
    first = Ensemble(tmp_path, topology=topology_of(tmp_path), free_ports=True)
    second = Ensemble(tmp_path, topology=topology_of(tmp_path), free_ports=True)
    try:
        with first:
            first.start(["first"])
            connection = await asyncpg.connect(first.dsn)
            await connection.execute("CREATE TABLE kept (value text)")
            await connection.close()
        with second:
            second.start(["first"])
            connection = await asyncpg.connect(second.dsn)
            assert await connection.fetchval("SELECT count(*) FROM kept") == 0
            await connection.close()
    finally:
        second.remove_database()


def test_a_killed_process_is_started_again_and_a_held_one_is_not(ensemble: Ensemble) -> None:
    ensemble.start()
    before = ensemble.pids()
    ensemble.kill("second")
    ensemble.wait_until_serving("second")
    assert ensemble.pids()["second"] != before["second"]
    assert ensemble.pids()["first"] == before["first"]
    ensemble.kill("second", hold=True)
    assert "second" not in ensemble.pids()
    ensemble.restart("second")
    assert len(ensemble.pids()["second"]) == 1


def test_a_killed_database_comes_back(ensemble: Ensemble) -> None:
    ensemble.start(["first"])
    ensemble.kill("postgresql")
    ensemble.wait_until_serving("postgresql")
    assert len(ensemble.pids()["postgresql"]) == 1


def test_a_suspended_process_does_not_answer_until_resumed(ensemble: Ensemble) -> None:
    ensemble.start()
    probe = GrpcProbe(ensemble.address("second")[0])
    try:
        assert probe.healthy()
        ensemble.suspend("second")
        assert not probe.healthy()
        ensemble.resume("second")
        assert probe.healthy()
    finally:
        probe.close()


def test_a_process_that_dies_at_its_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    environment = {"STAND_IN_FAILS": "1"}
    ensemble = Ensemble(tmp_path, topology=topology_of(tmp_path, environment=environment), free_ports=True)
    try:
        with ensemble, pytest.raises(ProcessFailed) as failure:
            ensemble.start()
        assert failure.value.label == "second"
        assert "the configuration is wrong" in str(failure.value)
        assert ensemble.pids() == {}
    finally:
        ensemble.remove_database()


def test_stopping_during_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    seen = threading.Event()
    pids: list[int] = []

    def watch(event: ProcessEvent) -> None:
        if event.label == "first" and event.state in ("migrating", "starting"):
            seen.set()

    ensemble = Ensemble(tmp_path, topology=topology_of(tmp_path), free_ports=True, report=watch)
    raised: list[BaseException] = []

    def start() -> None:
        try:
            ensemble.start()
        except StartCancelled as error:
            raised.append(error)

    starter = threading.Thread(target=start)
    starter.start()
    try:
        assert seen.wait(30)
        pids += [pid for found in ensemble.pids().values() for pid in found]
    finally:
        ensemble.stop()
        starter.join(10)
        ensemble.remove_database()
    assert raised
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_second_supervisor_is_refused(ensemble: Ensemble) -> None:
    ensemble.start(["first"])
    other = Ensemble(ensemble.work, topology=ensemble.topology, free_ports=True)
    with other, pytest.raises(AlreadyRunning, match=str(os.getpid())):
        other.start()


def test_a_taken_port_is_replaced_and_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ensemble = Ensemble(tmp_path, topology=topology_of(tmp_path, port=port))
        assert ensemble.address("second") != [f"127.0.0.1:{port}"]
        assert any(f"port {port} is taken" in notice for notice in ensemble.notices)
        ensemble.stop()


def test_others_find_the_processes_while_they_run(ensemble: Ensemble) -> None:
    ensemble.start()
    assert addresses_of(ensemble.work, ensemble.topology)["first"] == ensemble.address("first")
    assert {entry.name for entry in read_directory(ensemble.work)} == {"postgresql", "first", "second"}
    ensemble.stop()
    assert read_directory(ensemble.work) == []


def test_secrets_are_private_and_stay_the_same(ensemble: Ensemble) -> None:
    path = ensemble.work / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    Ensemble(ensemble.work, topology=ensemble.topology, free_ports=True).stop()
    assert path.read_text() == before


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, signal; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_supervisor import Ensemble, topology_of\n"
        "work = Path(sys.argv[1]); ensemble = Ensemble(work, topology=topology_of(work), free_ports=True)\n"
        "ensemble.start()\n"
        "print(*[pid for found in ensemble.pids().values() for pid in found], flush=True)\n"
        "signal.pause()\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(STAND_IN.parent)], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    children = [psutil.Process(int(pid)) for pid in supervisor.stdout.readline().split()]
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    supervisor.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=20)
    Ensemble(tmp_path, topology=topology_of(tmp_path), free_ports=True).remove_database()
    assert len(children) == 3
    assert alive == []
