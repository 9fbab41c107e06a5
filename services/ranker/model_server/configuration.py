"""Which models are to be served: those named, and the fusion model of every shop that has releases."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.kit.errors import InvalidRequest
from services.kit.label_moves import wanted_ids
from services.kit.release import ReleaseBroken, ReleaseDirectory, shop_ids, version_of
from services.ranker.model_server.model_store import Model


def configured_models(named: Mapping[str, Path], releases_dir: Path) -> dict[str, Model]:
    """Models by name; a shop's is `fusion-<shop_id>`."""
    models = {name: Model(path) for name, path in named.items()}
    for shop_id in shop_ids(releases_dir):
        base_path = releases_dir / shop_id / "serving" / "fusion"
        if base_path.is_dir():
            models[f"fusion-{shop_id}"] = Model(base_path, partial(wanted_versions, releases_dir, shop_id))
    return models


def wanted_versions(releases_dir: Path, shop_id: str) -> frozenset[int]:
    """Versions of the releases that every service keeps loaded; none while the labels cannot be read."""
    directory = ReleaseDirectory(releases_dir, shop_id)
    try:
        wanted = wanted_ids(directory, directory.labels(), datetime.now(UTC))
    except ReleaseBroken:
        return frozenset()
    return frozenset(version_of(release_id) for release_id in wanted)


def models_of(config: Any) -> dict[str, Model]:
    """The models of a ModelServerConfig. Raises: InvalidRequest."""
    if not config.HasField("model_config_list"):
        raise InvalidRequest.of("config.model_config_list", "required: the list of all models to serve")
    models: dict[str, Model] = {}
    for index, each in enumerate(config.model_config_list.config):
        field = f"config.model_config_list.config[{index}]"
        if not each.name or each.name in models:
            raise InvalidRequest.of(f"{field}.name", "send a name of its own for each model")
        if not Path(each.base_path).is_dir():
            raise InvalidRequest.of(
                f"{field}.base_path", f"send a folder of numbered versions; {each.base_path} is none"
            )
        models[each.name] = Model(Path(each.base_path))
    return models
