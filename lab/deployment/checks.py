"""What can be said about the deployment files without an engine to run them: `make check` runs all of it, offline."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from compose_spec import PyCompose
from pydantic import ValidationError

from lab.deployment.alerts import AlertsBroken, read_alerts
from lab.deployment.files import ALERTS, COMPOSE, PROMETHEUS
from lab.deployment.interpolation import interpolated, variables
from lab.deployment.prometheus_model import PrometheusFile


def problems_with(root: Path) -> list[str]:
    """Return one line a problem; none when all is well."""
    return [*_yaml_problems(root), *_compose_problems(root), *_prometheus_problems(root), *_alert_problems(root)]


def _yaml_problems(root: Path) -> Iterator[str]:
    for path in sorted((root / "deploy").rglob("*.yaml")):
        try:
            yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            yield f"{path.relative_to(root)}: {error}"


def _compose_problems(root: Path) -> Iterator[str]:
    try:
        text = (root / COMPOSE).read_text(encoding="utf-8")
        filled = interpolated(text, dict.fromkeys(variables(text), "filled-in"))
        PyCompose.from_yaml(filled).to_spec()
    except (OSError, ValueError) as error:
        yield f"{COMPOSE}: {error}"


def _prometheus_problems(root: Path) -> Iterator[str]:
    try:
        PrometheusFile.model_validate(yaml.safe_load((root / PROMETHEUS).read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        yield f"{PROMETHEUS}: {error}"


def _alert_problems(root: Path) -> Iterator[str]:
    try:
        read_alerts(root / ALERTS)
    except AlertsBroken as error:
        yield f"{ALERTS}: {error}"
