"""The containers that are not processes of ours: PostgreSQL, TensorFlow Serving, Prometheus, and the tools."""

from collections.abc import Mapping
from typing import Any

from lab.supervisor.topology import DATABASE, DatabaseSpec, ProcessSpec

DATABASE_HOST = "postgresql"
DATABASE_IMAGE = "postgres:17"
PROMETHEUS = "prometheus"
PROMETHEUS_IMAGE = "prom/prometheus:v3.5.0"
RELEASES = "/work/releases"
"""The same in every container, TensorFlow Serving's included: the list of models names paths below it."""
MODEL_LIST = f"{RELEASES}/models.config"
INSIDE = "0.0.0.0"
"""Inside a container every interface is listened on; what is published is said under `ports`."""
REST_PORT = 8501


def host_of(name: str) -> str:
    """Return a process's name on the network; names of hosts have no underscores."""
    return DATABASE_HOST if name == DATABASE else name.replace("_", "-")


def database(spec: DatabaseSpec) -> dict[str, Any]:
    """One PostgreSQL; each service owns a schema in it."""
    return {
        "image": DATABASE_IMAGE,
        "command": [
            "postgres",
            *("-c", f"max_connections={spec.max_connections}"),
            *("-c", f"shared_buffers={spec.shared_buffers_mb}MB"),
        ],
        "environment": {
            "POSTGRES_USER": "vitrine",
            "POSTGRES_DB": "vitrine",
            "POSTGRES_PASSWORD": "${VITRINE_DATABASE_PASSWORD:?see docs/guides/deploy.md}",
        },
        "volumes": ["database:/var/lib/postgresql/data"],
        "shm_size": "256m",
        "expose": ["5432"],
        "healthcheck": {
            "test": ["CMD", "pg_isready", "--host=127.0.0.1", "--username=vitrine", "--dbname=vitrine"],
            "interval": "5s",
            "timeout": "3s",
            "retries": 5,
            "start_period": "60s",
        },
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
        "stop_signal": "SIGINT",
        "stop_grace_period": "60s",
    }


def listing(lister: ProcessSpec, releases: str) -> dict[str, Any]:
    """Write the list of models once, so that TensorFlow Serving finds one; the lister keeps it current."""
    return {
        "image": f"vitrine/{lister.image}:${{VITRINE_VERSION:-latest}}",
        "build": {"context": "..", "dockerfile": "deploy/Dockerfile", "args": {"SERVICE": lister.image}},
        "command": [*lister.command, "list-models"],
        "environment": {"VITRINE_RELEASES_DIR": RELEASES, **lister.deployed_environment},
        "volumes": [releases],
        "restart": "no",
        "healthcheck": {"disable": True},
    }


def tensorflow_serving(spec: ProcessSpec, after: str) -> dict[str, Any]:
    """The real model server in the place of the embedded one: no batching across requests (ADR 0016)."""
    return {
        "image": spec.stock_image,
        "entrypoint": ["/usr/bin/tensorflow_model_server"],
        "command": [f"--{name}={value}" for name, value in _serving_flags(spec).items()],
        "environment": {"TF_CPP_MIN_LOG_LEVEL": "1", **spec.environment},
        "volumes": [
            f"releases:{RELEASES}:ro",
            "./tensorflow_serving/monitoring.config:/etc/vitrine/monitoring.config:ro",
        ],
        "expose": [str(spec.port), str(REST_PORT)],
        "depends_on": {after: {"condition": "service_completed_successfully"}},
        # The image has no client of gRPC's health protocol; the port opens when the first models are loaded.
        "healthcheck": {
            "test": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{spec.port}"],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
            "start_period": "120s",
        },
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": ["ALL"],
        "restart": "unless-stopped",
        "stop_grace_period": "15s",
        "deploy": {"replicas": spec.replicas, "resources": {"limits": {"memory": f"{spec.memory_mb}M"}}},
    }


def _serving_flags(spec: ProcessSpec) -> dict[str, Any]:
    return {
        "port": spec.port,
        "rest_api_port": REST_PORT,
        "model_config_file": MODEL_LIST,
        "model_config_file_poll_wait_seconds": 1,
        "file_system_poll_wait_seconds": 1,
        "allow_version_labels_for_unavailable_models": "true",
        "enable_model_warmup": "true",
        "max_num_load_retries": 2,
        "tensorflow_intra_op_parallelism": 1,
        "tensorflow_inter_op_parallelism": 2,
        "enable_grpc_healthcheck_service": "true",
        "monitoring_config_file": "/etc/vitrine/monitoring.config",
    }


def prometheus() -> dict[str, Any]:
    """Scrapes every replica and watches the rules."""
    return {
        "image": PROMETHEUS_IMAGE,
        "command": [
            "--config.file=/etc/prometheus/prometheus.yaml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=15d",
        ],
        "volumes": ["./prometheus:/etc/prometheus:ro", "measurements:/prometheus"],
        "ports": [{"target": 9090, "published": "9090", "host_ip": "127.0.0.1"}],
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": ["ALL"],
        "restart": "unless-stopped",
    }


def lab(addresses: Mapping[str, str], releases: str) -> dict[str, Any]:
    """Import, training and promotion: `docker compose run --rm lab import …`; not started with the rest."""
    told = {f"VITRINE_{name.upper()}_ADDRESSES": address for name, address in addresses.items()}
    return {
        "image": "vitrine/lab:${VITRINE_VERSION:-latest}",
        "build": {"context": "..", "dockerfile": "deploy/Dockerfile", "args": {"SERVICE": "lab"}},
        "profiles": ["tools"],
        "entrypoint": ["python", "-m", "lab.commands"],
        "environment": told,
        "env_file": [{"path": "settings.env", "required": False}],
        "volumes": ["workbench:/work", releases, "${VITRINE_SHOP_FILES:-./shop}:/shop:ro"],
        "restart": "no",
        "healthcheck": {"disable": True},
    }
