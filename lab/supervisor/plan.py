"""From the topology to units: ports, addresses, environments."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.supervisor.environment import Surroundings, service_environment
from lab.supervisor.health import probe_of
from lab.supervisor.keys import work_secrets
from lab.supervisor.ports import HOST, Ports
from lab.supervisor.postgres import EmbeddedPostgres, database_folder
from lab.supervisor.spawner import Program
from lab.supervisor.topology import DATABASE, REPLICA_PORT_STEP, ProcessSpec, Topology
from lab.supervisor.unit import Unit

REPOSITORY = Path(__file__).parents[2]
DSN_VARIABLE = "VITRINE_DATABASE_DSN"


@dataclass(frozen=True)
class Place:
    """Where one replica serves."""

    address: str
    metrics_port: int | None


@dataclass(frozen=True)
class PlanOptions:
    """What a plan can be told."""

    replicas: Mapping[str, int]
    """Number of replicas by process; default: the topology's."""
    environment: Mapping[str, str]
    """Variables on top of ours, for every process."""
    free_ports: bool
    """Take any free ports instead of the topology's."""


class Plan:
    """Every process of an ensemble, with ports and environment, before anything is started."""

    def __init__(self, work: Path, topology: Topology, options: PlanOptions, tell: Callable[[str], None]) -> None:
        self._work = work.resolve()
        self._topology = topology
        self._options = options
        self._tell = tell
        topology.check_connections(options.replicas)
        for name in options.replicas:
            topology.spec(name)
        self._dsn = options.environment.get(DSN_VARIABLE) or os.environ.get(DSN_VARIABLE, "")
        self.postgres: EmbeddedPostgres | None = None
        if not self._dsn:
            self.postgres = EmbeddedPostgres(database_folder(self._work), self._log(DATABASE, 0), topology.database)
            self._dsn = self.postgres.dsn
        ports = Ports()
        self.places = {
            spec.name: [self._place(ports, spec, k) for k in range(self._count(spec))] for spec in topology.process
        }
        self._secrets = work_secrets(self._work)

    def units(self) -> list[Unit]:
        """Return every unit in start order, PostgreSQL first where it is ours."""
        units = [self._postgres_unit(self.postgres)] if self.postgres is not None else []
        for spec in self._topology.process:
            units += [self._unit(spec, replica) for replica in range(self._count(spec))]
        return units

    @property
    def dsn(self) -> str:
        """Where PostgreSQL is."""
        return self._dsn

    def _count(self, spec: ProcessSpec) -> int:
        return self._options.replicas.get(spec.name, spec.replicas)

    def _place(self, ports: Ports, spec: ProcessSpec, replica: int) -> Place:
        def take(port: int) -> int:
            wanted = 0 if self._options.free_ports else port + REPLICA_PORT_STEP * replica
            given = ports.take(wanted)
            if wanted and given != wanted:
                self._tell(f"port {wanted} is taken: {spec.name} takes {given}")
            return given

        address = f"{HOST}:{take(spec.port)}" if spec.port is not None else ""
        return Place(address, take(spec.metrics_port) if spec.metrics_port is not None else None)

    def _postgres_unit(self, postgres: EmbeddedPostgres) -> Unit:
        return Unit(
            DATABASE, 0, postgres.program, postgres.ready, postgres.log, prepare=postgres.prepare,
            stop_signal=signal.SIGINT,
        )  # fmt: skip

    def _unit(self, spec: ProcessSpec, replica: int) -> Unit:
        place = self.places[spec.name][replica]
        probe = probe_of(spec, place.address)
        return Unit(
            spec.name,
            replica,
            partial(self._program, spec, replica, spec.command),
            lambda _pid: probe.healthy(),
            self._log(spec.name, replica),
            place.address,
            place.metrics_port,
            self._waits_for(spec, replica),
            partial(self._program, spec, replica, spec.migrate) if spec.migrate and replica == 0 else None,
            forget=probe.close,
        )

    def _waits_for(self, spec: ProcessSpec, replica: int) -> Sequence[tuple[str, int]]:
        names = [name for name in spec.waits_for() if name != DATABASE or self.postgres is not None]
        first = [(spec.name, 0)] if replica and spec.migrate else []
        counts = {each.name: self._count(each) for each in self._topology.process} | {DATABASE: 1}
        return [(name, k) for name in names for k in range(counts[name])] + first

    def _program(self, spec: ProcessSpec, replica: int, arguments: Sequence[str]) -> Program:
        return Program(
            [sys.executable, *arguments], self._log(spec.name, replica), self._environment(spec, replica), REPOSITORY
        )

    def _environment(self, spec: ProcessSpec, replica: int) -> dict[str, str]:
        prefix = spec.settings_prefix
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        ours = service_environment(spec, self._surroundings(spec, replica))
        special = {name: value.replace("{work}", str(self._work)) for name, value in spec.local_environment.items()}
        for name, path in spec.files.items():
            if Path(path := path.replace("{work}", str(self._work))).exists():
                special[f"{prefix}{name}"] = path
        shops = self._shops()
        if spec.shops_variable and shops:
            special[f"{prefix}{spec.shops_variable}"] = ",".join(shops)
        quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"), "PYTHONUNBUFFERED": "1"}
        return {**inherited, **quiet, **ours, **special, **self._options.environment}

    def _surroundings(self, spec: ProcessSpec, replica: int) -> Surroundings:
        place = self.places[spec.name][replica]
        addresses = {
            name: ",".join(each.address for each in places if each.address) for name, places in self.places.items()
        }
        return Surroundings(
            str(self._work / "releases"), addresses, place.address, place.metrics_port, self._dsn, self._secrets
        )

    def _shops(self) -> list[str]:
        """The shops that have a release, the one published last first."""
        labels = (self._work / "releases").glob("*/labels.json")
        return [path.parent.name for path in sorted(labels, key=lambda path: -path.stat().st_mtime)]

    def _log(self, name: str, replica: int) -> Path:
        suffix = f"-{replica}" if replica else ""
        return self._work / "logs" / f"{name}{suffix}.log"
