"""Which files of deploy/ are made, from what, and whether those committed are up to date."""

from pathlib import Path
from typing import Any

import yaml

from lab.deployment.compose import compose_file
from lab.deployment.prometheus import prometheus_file
from lab.deployment.requirements import requirement_files
from lab.supervisor.topology import load_topology

COMPOSE = "deploy/compose.yaml"
PROMETHEUS = "deploy/prometheus/prometheus.yaml"
ALERTS = "deploy/prometheus/alerts.yaml"
REQUIREMENTS = "deploy/requirements"
_HEAD = "# Made by `python -m lab.deployment` from deploy/topology.toml; changes here are overwritten.\n"


def deployment_files(root: Path) -> dict[str, str]:
    """Return the content of every made file, by path below the repository's root."""
    topology = load_topology(root / "deploy" / "topology.toml")
    made = {COMPOSE: _yaml(compose_file(topology)), PROMETHEUS: _yaml(prometheus_file(topology))}
    return made | {f"{REQUIREMENTS}/{name}": text for name, text in requirement_files(root).items()}


def outdated(root: Path) -> list[str]:
    """Name the files that are missing, differ, or are left over."""
    made = deployment_files(root)
    committed = {f"{REQUIREMENTS}/{path.name}" for path in (root / REQUIREMENTS).glob("*")}
    stale = {name for name, text in made.items() if _committed(root / name) != text}
    return sorted(stale | (committed - made.keys()))


def _committed(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _yaml(content: dict[str, Any]) -> str:
    return _HEAD + yaml.dump(content, Dumper=_Plain, sort_keys=False, width=150, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Without anchors: what is said twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
