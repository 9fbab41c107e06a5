"""deploy/prometheus/prometheus.yaml, made from the topology: whom to scrape."""

from typing import Any

from lab.deployment.containers import REST_PORT, host_of
from lab.supervisor.topology import ProcessSpec, Topology

SCRAPE_EVERY = "10s"
RULE_FILES = ["alerts.yaml"]
SERVING_METRICS_PATH = "/monitoring/prometheus/metrics"
"""Also said in deploy/tensorflow_serving/monitoring.config."""


def prometheus_file(topology: Topology) -> dict[str, Any]:
    """Return Prometheus's configuration as data; every replica behind a name is found by DNS."""
    jobs = [_job(spec, spec.metrics_port) for spec in topology.process if spec.metrics_port is not None]
    serving = [
        {**_job(spec, REST_PORT), "metrics_path": SERVING_METRICS_PATH} for spec in topology.process if spec.stock_image
    ]
    return {
        "global": {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY},
        "rule_files": RULE_FILES,
        "scrape_configs": [*jobs, *serving],
    }


def _job(spec: ProcessSpec, port: int) -> dict[str, Any]:
    return {
        "job_name": spec.name,
        "dns_sd_configs": [
            {"names": [host_of(spec.name)], "type": "A", "port": port, "refresh_interval": SCRAPE_EVERY}
        ],
    }
