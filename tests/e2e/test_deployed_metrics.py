"""What the alert rules read is on the metrics pages of the running processes."""

import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from lab.deployment.alerts import exported, read_alerts, uses_of
from lab.deployment.files import ALERTS
from lab.supervisor.directory import read_directory
from tests.e2e.ensemble import SmallEnsemble

ROOT = Path(__file__).parents[2]
OF_PROMETHEUS = {"up"}


def test_every_metric_of_a_rule_is_exported_by_a_running_process(small_ensemble: SmallEnsemble) -> None:
    found: set[str] = set()
    for entry in read_directory(small_ensemble.processes.work):
        if entry.metrics_port is not None:
            with urllib.request.urlopen(f"http://127.0.0.1:{entry.metrics_port}/metrics", timeout=10) as page:
                found |= {family.name for family in text_string_to_metric_families(page.read().decode())}
    read = {exported(name) for rule in read_alerts(ROOT / ALERTS).alerts() for name in uses_of(rule.expr).selected}
    assert read - found == OF_PROMETHEUS
