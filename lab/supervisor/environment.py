"""What a process is told, wherever it runs: the one place that the supervisor and the compose file share."""

from collections.abc import Mapping
from dataclasses import dataclass

from lab.supervisor.topology import ProcessSpec


@dataclass(frozen=True)
class Surroundings:
    """Where a process runs."""

    releases_dir: str
    addresses: Mapping[str, str]
    """By process: `host:port` of every replica, separated by commas; none for a process without a port."""
    listen: str
    """host:port of this process; empty without a port."""
    metrics_port: int | None
    dsn: str
    """Of PostgreSQL."""
    secrets: Mapping[str, str]
    """By name, in lower case."""


def service_environment(spec: ProcessSpec, around: Surroundings) -> dict[str, str]:
    """Return the variables of one process, with their prefix."""
    prefix = spec.settings_prefix
    told = {"RELEASES_DIR": around.releases_dir} if spec.reads_releases else {}
    for name, addresses in around.addresses.items():
        if addresses and name in spec.addressed():
            told[f"{name.upper()}_ADDRESSES"] = addresses
    if around.listen:
        told["LISTEN"] = around.listen
    if around.metrics_port is not None:
        told["METRICS_PORT"] = str(around.metrics_port)
    if spec.database:
        told |= {"DATABASE_DSN": around.dsn, "DATABASE_POOL_SIZE": str(spec.pool_size)}
    told |= {name.upper(): around.secrets[name] for name in spec.secrets}
    return {f"{prefix}{name}": value for name, value in told.items()} | dict(spec.environment)
