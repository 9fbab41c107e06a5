"""deploy/topology.toml: which processes there are and what each needs."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

DATABASE = "postgresql"
"""Name under which the embedded PostgreSQL appears among the processes."""
REPLICA_PORT_STEP = 10
DEFAULT_TOPOLOGY = Path(__file__).parents[2] / "deploy" / "topology.toml"


class TopologyBroken(Exception):  # noqa: N818  named like the errors of kit
    """A topology that cannot be run; the message lists every problem."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSpec(_Table):
    """The embedded PostgreSQL."""

    max_connections: int = Field(default=100, ge=10)
    """Sum of all pools must stay below it; checked when an ensemble is planned."""
    shared_buffers_mb: int = Field(default=128, ge=16)
    """Memory for pages."""


class ProcessSpec(_Table):
    """One kind of process; a replica is one process of it."""

    name: str = Field(pattern=r"^[a-z][a-z_]*$")
    """Also the service's name, where it is a service."""
    command: Sequence[str]
    """Arguments of the Python interpreter."""
    migrate: Sequence[str] = ()
    """Arguments with which the schema is brought up to date, once before the first replica."""
    port: int | None = None
    """Port that is served; none for workers."""
    metrics_port: int | None = None
    """Port of the Prometheus page."""
    replicas: int = Field(default=1, ge=0)
    """How many by default."""
    depends_on: Sequence[str] = ()
    """Processes that must be healthy before it is started; PostgreSQL is implied by `database`."""
    calls: Sequence[str] = ()
    """Processes that it sends requests to. They may come later; they are stopped after it."""
    asks_readiness_of: Sequence[str] = ()
    """Processes whose replicas it asks what they have ready; no order follows from it."""
    health: Literal["grpc", "http", "alive"] = "grpc"
    """How one can tell that it is ready."""
    health_path: str = "/health"
    """What an http health check asks for."""
    settings_prefix: str = "VITRINE_"
    """What its environment variables begin with."""
    database: bool = False
    """Whether it uses PostgreSQL."""
    pool_size: int = Field(default=0, ge=0)
    """Connections that one replica may hold."""
    secrets: Sequence[str] = ()
    """Keys that it needs."""
    environment: Mapping[str, str] = Field(default_factory=dict)
    """Further variables, with their prefix, wherever it runs."""
    local_environment: Mapping[str, str] = Field(default_factory=dict)
    """Further variables, with their prefix, where it runs beside a work folder."""
    deployed_environment: Mapping[str, str] = Field(default_factory=dict)
    """Further variables, with their prefix, where it runs in a container."""
    files: Mapping[str, str] = Field(default_factory=dict)
    """Variables (without prefix) that name a file of the work folder, set only where it exists."""
    shops_variable: str = ""
    """Variable (without prefix) that lists the shops which have a release; not set while there is none."""
    image: str = ""
    """Its SERVICE in deploy/Dockerfile."""
    stock_image: str = ""
    """The image that takes its place in containers, instead of one of ours."""
    memory_mb: int = Field(default=1024, ge=64)
    """Limit of one container."""
    background: bool = False
    """Whether pages and imports go first where processors are short. On one machine the process sees to it itself
    (`nice`); containers are weighed against one another, so there its container is told.
    """
    reads_releases: bool = True
    """Whether it reads the folder of releases."""
    writes_releases: bool = False
    """Whether it writes into the folder of releases; for all others it is mounted read-only."""

    def waits_for(self) -> tuple[str, ...]:
        """Return the names of the processes that must be healthy first."""
        return ((DATABASE,) if self.database else ()) + tuple(self.depends_on)

    def addressed(self) -> frozenset[str]:
        """Return the names of the processes whose addresses it is told."""
        return frozenset((*self.calls, *self.asks_readiness_of))


class Topology(_Table):
    """Every process, in start order."""

    database: DatabaseSpec = DatabaseSpec()
    process: Sequence[ProcessSpec]

    @model_validator(mode="after")
    def _names_fit(self) -> "Topology":
        seen: set[str] = {DATABASE}
        for spec in self.process:
            if spec.name in seen:
                raise ValueError(f"{spec.name} is listed twice")
            missing = set(spec.depends_on) - seen
            if missing:
                raise ValueError(f"{spec.name} depends on {', '.join(sorted(missing))}, which must be listed before it")
            seen.add(spec.name)
        for spec in self.process:
            if unknown := spec.addressed() - seen:
                raise ValueError(f"{spec.name} calls {', '.join(sorted(unknown))}, which is not listed")
            if spec.image and spec.stock_image:
                raise ValueError(f"{spec.name} has image and stock_image; one of them is enough")
        return self

    def callers_of(self, name: str) -> frozenset[str]:
        """Return the processes that need a process, or the database, for as long as they run."""
        return frozenset(spec.name for spec in self.process if name in (*spec.waits_for(), *spec.calls))

    def spec(self, name: str) -> ProcessSpec:
        """Return a process by name. Raises: TopologyBroken when there is none."""
        for spec in self.process:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.process)
        raise TopologyBroken(f"there is no process {name!r}; there are: {known}")

    def with_what_they_need(self, names: Sequence[str]) -> list[ProcessSpec]:
        """Return the named processes and everything they depend on, in start order. Raises: TopologyBroken."""
        wanted: set[str] = set()
        queue = [self.spec(name).name for name in names]
        while queue:
            name = queue.pop()
            if name not in wanted:
                wanted.add(name)
                queue += self.spec(name).depends_on
        return [spec for spec in self.process if spec.name in wanted]

    def check_connections(self, replicas: Mapping[str, int]) -> None:
        """Check that all pools together fit into PostgreSQL. Raises: TopologyBroken."""
        needed = sum(spec.pool_size * replicas.get(spec.name, spec.replicas) for spec in self.process if spec.database)
        # Three are reserved for the superuser, a few are left for migrations and for people.
        if needed > self.database.max_connections - 10:
            raise TopologyBroken(
                f"{needed} connections are needed and {self.database.max_connections} allowed: take fewer replicas, or "
                "raise database.max_connections in deploy/topology.toml"
            )


def load_topology(path: Path = DEFAULT_TOPOLOGY) -> Topology:
    """Read the list of processes. Raises: TopologyBroken."""
    try:
        return Topology.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TopologyBroken(f"{path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise TopologyBroken(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        lines = [f"{path}: {error.error_count()} problem(s)"]
        lines += [f"  {'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
        raise TopologyBroken("\n".join(lines)) from error
