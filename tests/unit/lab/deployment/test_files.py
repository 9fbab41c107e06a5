"""The made files: up to date, and found out when they are not."""

import shutil
from pathlib import Path

import pytest

from lab.deployment.checks import problems_with
from lab.deployment.files import COMPOSE, PROMETHEUS, deployment_files, outdated
from lab.deployment.interpolation import interpolated, variables

ROOT = Path(__file__).parents[4]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_what_is_committed_is_up_to_date_and_valid():
    assert outdated(ROOT) == []
    assert problems_with(ROOT) == []


def test_making_twice_gives_the_same():
    assert deployment_files(ROOT) == deployment_files(ROOT)


def test_what_is_edited_missing_or_left_over_is_named(copy):
    (copy / COMPOSE).write_text((copy / COMPOSE).read_text() + "\n")
    (copy / PROMETHEUS).unlink()
    (copy / "deploy" / "requirements" / "billing.txt").write_text("")
    topology = copy / "deploy" / "topology.toml"
    topology.write_text(topology.read_text().replace("metrics_port = 7203", "metrics_port = 7903"))
    assert outdated(copy) == [COMPOSE, PROMETHEUS, "deploy/requirements/billing.txt"]


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        (COMPOSE, "condition: service_healthy", "condition: service_perfect", "compose.yaml"),
        (COMPOSE, "read_only: true", "read_only: perhaps", "compose.yaml"),
        (COMPOSE, "name: vitrine", "name: [vitrine", "compose.yaml"),
        (PROMETHEUS, "type: A", "type: Z", "prometheus.yaml"),
        (PROMETHEUS, "scrape_interval: 10s", "scrape_interval: often", "prometheus.yaml"),
        ("deploy/prometheus/alerts.yaml", "up == 0", "up = = 0", "alerts.yaml"),
    ],
)
def test_what_an_engine_would_refuse_is_found(copy, name, old, new, problem):
    path = copy / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert any(problem in found for found in problems_with(copy))


def test_variables_are_filled_in_as_compose_does():
    text = "a: ${A:-x}\nb: ${B:?say it}\nc: ${A:-y}"
    assert variables(text) == {"A": "y", "B": None}
    assert interpolated(text, {"B": "1"}) == "a: x\nb: 1\nc: y"
    assert interpolated(text, {"A": "2", "B": "1"}) == "a: 2\nb: 1\nc: 2"
