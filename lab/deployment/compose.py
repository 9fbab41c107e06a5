"""deploy/compose.yaml, made from the topology: what `vitrine up` runs on one machine, in containers."""

from collections.abc import Mapping
from typing import Any

from lab.deployment.containers import (
    DATABASE_HOST,
    INSIDE,
    PROMETHEUS,
    RELEASES,
    database,
    host_of,
    lab,
    listing,
    prometheus,
    tensorflow_serving,
)
from lab.supervisor.environment import Surroundings, service_environment
from lab.supervisor.topology import ProcessSpec, Topology

SECRETS = {
    "pseudonym_key": "VITRINE_PSEUDONYM_KEY",
    "tracking_key": "VITRINE_TRACKING_KEY",
    "cookie_secret": "VITRINE_COOKIE_SECRET",
}
"""Secret of the topology → variable that it is read from."""
DRAIN_S = 10
"""VITRINE_DRAIN_SECONDS, the services' default."""
PUBLISHED = "storefront"
"""The process that the outside reaches; all others are reached from within the network."""
LISTING = "model-list"
"""Writes the list of models that TensorFlow Serving starts with, and ends."""
BACKGROUND_SHARES = 110
"""Of the processors, beside the 1,024 of every other container: what `nice` 10 is worth among processes."""
LOGGING = {"LOG_FORMAT": "json", "LOG_LEVEL": "${VITRINE_LOG_LEVEL:-INFO}"}
"""Of every service; the storefront logs its own way."""


def compose_file(topology: Topology) -> dict[str, Any]:
    """Return the compose file as data."""
    services: dict[str, Any] = {DATABASE_HOST: database(topology.database)}
    for spec in topology.process:
        if spec.stock_image:
            services[LISTING] = {**_hardened(), **listing(_lister(topology), _releases(writable=True))}
            services[host_of(spec.name)] = tensorflow_serving(spec, LISTING)
        else:
            services[host_of(spec.name)] = _service(topology, spec)
    services["lab"] = {**_hardened(), **lab(_addresses(topology), _releases(writable=True))}
    services[PROMETHEUS] = prometheus()
    return {
        "name": "vitrine",
        "services": services,
        "volumes": {"database": {}, "releases": {}, "measurements": {}, "workbench": {}},
    }


def _lister(topology: Topology) -> ProcessSpec:
    """The process that writes into the folder of releases, and so keeps the list of models."""
    return next(spec for spec in topology.process if spec.writes_releases)


def _service(topology: Topology, spec: ProcessSpec) -> dict[str, Any]:
    made: dict[str, Any] = {
        "image": f"vitrine/{spec.image}:${{VITRINE_VERSION:-latest}}",
        "build": {"context": "..", "dockerfile": "deploy/Dockerfile", "args": {"SERVICE": spec.image}},
        **_hardened(),
        "command": list(spec.command),
        "environment": environment(topology, spec),
        "env_file": [{"path": "settings.env", "required": False}],
        "expose": [str(port) for port in (spec.port, spec.metrics_port) if port is not None],
        "depends_on": depends_on(spec),
        "healthcheck": healthcheck(spec),
        "stop_grace_period": f"{DRAIN_S + 5}s",
        "deploy": {
            "replicas": spec.replicas,
            "resources": {"limits": {"memory": f"{spec.memory_mb}M"}},
        },
    }
    if spec.background:
        made["cpu_shares"] = BACKGROUND_SHARES
    if spec.reads_releases:
        made["volumes"] = [_releases(writable=spec.writes_releases)]
    if spec.name == PUBLISHED:
        made["ports"] = [{"target": spec.port, "published": "8080", "host_ip": "127.0.0.1"}]
    return {key: value for key, value in made.items() if value not in ([], {})}


def environment(topology: Topology, spec: ProcessSpec) -> dict[str, str]:
    """Return the variables of a container: those of the supervisor, for a place where replicas share a name."""
    around = Surroundings(
        releases_dir=RELEASES,
        addresses=_addresses(topology),
        listen=f"{INSIDE}:{spec.port}" if spec.port is not None else "",
        metrics_port=spec.metrics_port,
        dsn=f"postgresql://vitrine:{required('VITRINE_DATABASE_PASSWORD')}@{DATABASE_HOST}:5432/vitrine",
        secrets={name: required(variable) for name, variable in SECRETS.items()},
    )
    told = service_environment(spec, around)
    if spec.shops_variable:
        told[f"{spec.settings_prefix}{spec.shops_variable}"] = required("VITRINE_SHOPS")
    else:
        told |= {f"{spec.settings_prefix}{name}": value for name, value in LOGGING.items()}
    return told | dict(spec.deployed_environment)


def depends_on(spec: ProcessSpec) -> dict[str, Any]:
    """Return what must be healthy first, and what is only called: started before and stopped after it."""
    calls = {host_of(name): {"condition": "service_started"} for name in spec.calls}
    waits = {host_of(name): {"condition": "service_healthy"} for name in spec.waits_for()}
    return calls | waits


def healthcheck(spec: ProcessSpec) -> dict[str, Any]:
    """Return the check by the protocol that the topology names."""
    asked = [spec.health, f"127.0.0.1:{spec.port}"] + ([spec.health_path] if spec.health == "http" else [])
    return {
        "test": ["CMD", "python", "/opt/vitrine/probe.py", *asked],
        "interval": "10s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "120s",
    }


def required(variable: str) -> str:
    """Return a reference to a variable without which compose refuses to start."""
    return f"${{{variable}:?see docs/guides/deploy.md}}"


def _addresses(topology: Topology) -> Mapping[str, str]:
    return {spec.name: f"{host_of(spec.name)}:{spec.port}" for spec in topology.process if spec.port is not None}


def _releases(*, writable: bool) -> str:
    return f"releases:{RELEASES}" + ("" if writable else ":ro")


def _hardened() -> dict[str, Any]:
    """What every container of ours may not do."""
    return {
        "read_only": True,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "restart": "unless-stopped",
    }
