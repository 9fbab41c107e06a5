"""Alert rules: valid, made of metrics that services export, and explained."""

import asyncio
from pathlib import Path

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from lab.deployment.alerts import RUNBOOK, AlertFile, AlertsBroken, Uses, missing, read_alerts, uses_of
from lab.deployment.files import ALERTS, PROMETHEUS
from lab.supervisor.topology import load_topology
from services.item_vision.worker import Worker, WorkerSettings
from services.kit.access import AccessRecorder
from services.kit.background import BackgroundTasks, BatchWriter
from services.kit.channels import open_channel
from services.kit.release_watcher import ReleaseWatcher
from services.kit.telemetry import metrics
from services.kit.upstream import Upstream
from services.page_composer.page_metrics import PageMetrics
from services.user_profile.tallies import Tallies
from tests.unit.lab.deployment.promql import Series, evaluated
from vitrine.page_composer.v1 import page_composer_pb2
from vitrine.user_profile.v1 import user_profile_pb2

ROOT = Path(__file__).parents[4]
TARGET_LABELS = frozenset({"job", "instance"})
OF_PROMETHEUS = {"up": frozenset[str]()}
RULES = read_alerts(ROOT / ALERTS).alerts()


@pytest.fixture(scope="module")
def exported() -> dict[str, frozenset[str]]:
    """Labels by metric, of everything that counts in a service."""

    async def make() -> None:
        channel = open_channel(["127.0.0.1:1"])
        Upstream("ranker", channel)
        await channel.close()
        BackgroundTasks()

        async def write(_items: object) -> None:
            return None

        BatchWriter("page_log", write)

    async def load(_release: object) -> None:
        return None

    asyncio.run(make())
    AccessRecorder()
    PageMetrics()
    Tallies()
    ReleaseWatcher(Path("/nowhere"), load)
    Worker(None, None, WorkerSettings(1, 1.0, 1), None)  # type: ignore[arg-type]  # counts only
    kinds = (Counter, Gauge, Histogram)
    known = {name: metric for name, metric in metrics()._known.items() if isinstance(metric, kinds)}
    return {name: frozenset(metric._labelnames) for name, metric in known.items()} | OF_PROMETHEUS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_a_rule_reads_only_what_services_export(rule, exported):
    uses = uses_of(rule.expr)
    assert uses.selected
    assert missing(uses, exported, TARGET_LABELS) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_a_rule_names_methods_and_outcomes_that_there_are(rule):
    paths = {
        f"/{service.full_name}/{method.name}"
        for file in (page_composer_pb2, user_profile_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    for path in uses_of(rule.expr).matched.get("method", ()):
        parts = path.replace("(", "").replace(")", "").rsplit("/", 1)
        for method in parts[1].split("|"):
            assert f"{parts[0]}/{method}" in paths


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_the_guide_says_what_to_do(rule):
    guide = (ROOT / RUNBOOK.removesuffix("#")).read_text(encoding="utf-8")
    assert f"\n### {rule.alert}\n" in guide


def test_labels_in_summaries_survive_the_expression():
    for rule in RULES:
        text = rule.annotations.summary
        for label in {part.split("}")[0].strip() for part in text.split("$labels.")[1:]}:
            name = label.split()[0]
            grouped = uses_of(rule.expr).grouped
            assert name in grouped | TARGET_LABELS, f"{rule.alert}: {name} is summed away"


HOUR_S, SCRAPE_S = 3_600.0, 10.0


def line(name: str, until_s: float, value: float = 1.0, a_second: float = 0.0, **labels: str) -> Series:
    """A series over two hours that ends when its process does: what is gone is not scraped."""
    times = [SCRAPE_S * number for number in range(int(2 * HOUR_S / SCRAPE_S) + 1)]
    return Series(name, labels, [(at_s, value + a_second * at_s) for at_s in times if at_s <= until_s])


def fires(alert: str, series: list[Series]) -> list[set[tuple[str, str]]]:
    (rule,) = [rule for rule in RULES if rule.alert == alert]
    return [set(labels) for labels in evaluated(rule.expr, series, 2 * HOUR_S)]


def test_a_total_outage_wakes_somebody_up():
    ended_s = 2 * HOUR_S - 600.0
    assert fires("PagesStopped", [line("vitrine_pages_total", ended_s, a_second=3.0, shop="a")]) == [set()]
    assert fires("PagesStopped", [line("vitrine_pages_total", 2 * HOUR_S, a_second=3.0, shop="a")]) == []
    assert fires("PagesStopped", [line("vitrine_pages_total", 2 * HOUR_S, a_second=0.0, shop="a")]) == []
    assert fires("PagesStopped", []) == []


def test_replicas_that_have_left_dns_are_missed():
    ended_s, now_s = 2 * HOUR_S - 600.0, 2 * HOUR_S
    whole = [line("up", now_s, job="ranker", instance=instance) for instance in ("a", "b")]
    gone = [line("up", ended_s, job="page_composer", instance=instance) for instance in ("a", "b")]
    assert fires("ReplicasGone", whole) == []
    assert fires("ReplicasGone", [*whole, *gone]) == [{("job", "page_composer")}]
    one_left = [line("up", now_s, job="page_composer", instance="a"), gone[1]]
    assert fires("ReplicasGone", [*whole, *one_left]) == [{("job", "page_composer")}]
    replaced = Series("up", {"job": "page_composer", "instance": "c"}, [(now_s, 1.0)])
    assert fires("ReplicasGone", [*whole, *one_left, replaced]) == []


@pytest.mark.parametrize(("state", "count"), [(0.0, 0), (1.0, 1), (2.0, 1)])
def test_a_dependency_that_is_only_probed_is_cut_off(state, count):
    # A breaker before a dependency that hangs is half-open for as long as its probe waits.
    series = [line("vitrine_breaker_state", 2 * HOUR_S, state, job="page_composer", instance="a", dependency="ranker")]
    assert len(fires("DependencyCutOff", series)) == count


def test_what_nobody_exports_is_found():
    known = {"vitrine_pages": frozenset({"shop"}), "up": frozenset[str]()}
    uses = uses_of('sum by (shop, region) (rate(vitrine_pages_total{shop="a", kind="b"}[5m])) / vitrine_pagse > up')
    assert missing(uses, known, TARGET_LABELS) == [
        "no service exports vitrine_pagse",
        "vitrine_pages_total has no label kind",
        "nothing in it has a label region",
    ]
    quantile = uses_of("histogram_quantile(0.9, sum by (le) (rate(vitrine_pages_bucket[5m])))")
    assert quantile == Uses({"vitrine_pages_bucket": set()}, {"le"}, {})


def test_both_sides_of_a_match_are_looked_at():
    uses = uses_of("sum by (a) (x_total) / on (b) group_left (c) sum by (d) (y_total)")
    assert uses.grouped == {"a", "b", "c", "d"}
    assert uses.selected == {"x_total": set(), "y_total": set()}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"expr": "sum by (shop"}, "no PromQL"),
        ({"for": "five minutes"}, "pattern"),
        ({"labels": {"severity": "urgent"}}, "severity"),
        ({"annotations": {"summary": "something is wrong"}}, "runbook"),
        ({"annotations": {"summary": "something is wrong", "runbook": f"{RUNBOOK}other"}}, "the runbook is"),
        ({"expression": "up"}, "expression"),
    ],
)
def test_a_broken_rule_is_refused(tmp_path, change, problem):
    rule = {
        "alert": "ReplicaDown",
        "expr": "up == 0",
        "labels": {"severity": "page"},
        "annotations": {"summary": "something is wrong", "runbook": f"{RUNBOOK}replicadown"},
    }
    path = tmp_path / "alerts.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": [rule]}]}))
    assert isinstance(read_alerts(path), AlertFile)
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": [rule | change]}]}))
    with pytest.raises(AlertsBroken, match=problem):
        read_alerts(path)


def test_every_metrics_port_is_scraped_by_name():
    content = yaml.safe_load((ROOT / PROMETHEUS).read_text())
    scraped = {job["job_name"]: job["dns_sd_configs"][0] for job in content["scrape_configs"]}
    for spec in load_topology().process:
        if spec.metrics_port is not None:
            assert scraped[spec.name]["port"] == spec.metrics_port
            assert scraped[spec.name]["names"] == [spec.name.replace("_", "-")]
    assert content["rule_files"] == [Path(ALERTS).name]
