"""What the embedded model server can be told."""

import argparse
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.kit.settings import ServiceSettings, load


def _pairs(value: Any) -> Any:
    if isinstance(value, str):
        return dict(pair.split("=", 1) for pair in value.split(",") if "=" in pair)
    return value


class ModelServerSettings(ServiceSettings):
    """Settings of the embedded model server; flags of the same names win over VITRINE_<FIELD>."""

    models: Annotated[dict[str, Path], NoDecode, BeforeValidator(_pairs)] = Field(default_factory=dict)
    """Further models, `name=base path` separated by commas; a base path holds numbered versions. Every shop below
    `releases_dir` is served as `fusion-<shop_id>` without being named here."""
    versions_kept: int = Field(default=2, ge=1, le=100)
    """How many of the newest versions of a model are loaded, besides those that a release label points at."""
    poll_s: float = Field(default=0.5, gt=0)
    """Time between two looks for new versions."""
    model_threads: int = Field(default=2, ge=1, le=64)
    """Predictions computed at a time, each in one thread."""


def read_settings(arguments: list[str] | None = None) -> ModelServerSettings:
    """Read the environment, then the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.ranker.model_server")
    parser.add_argument("--releases-dir", type=Path, help="folder of releases, one sub-folder a shop")
    parser.add_argument("--listen", help="host:port to serve on")
    parser.add_argument("--metrics-port", type=int, help="port of /metrics")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=PATH", help="a further model; repeatable")
    given = parser.parse_args(arguments)
    settings = load(ModelServerSettings)
    changes: dict[str, Any] = {
        name: value
        for name in ("releases_dir", "listen", "metrics_port")
        if (value := getattr(given, name)) is not None
    }
    if given.model:
        changes["models"] = {
            **settings.models,
            **{name: Path(path) for name, path in _pairs(",".join(given.model)).items()},
        }
    return settings.model_copy(update=changes)
