"""The list of models that TensorFlow Serving polls: one a shop, with exactly the versions that services keep loaded.

The embedded model server reads the folder of releases itself. TensorFlow Serving knows neither shops nor labels, and
its own policies would either let a labelled version go ("latest") or hold every release ever made ("all").
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.kit.label_moves import wanted_ids
from services.kit.release import ReleaseBroken, ReleaseDirectory, shop_ids, version_of, write_atomically
from services.kit.release_writer import FUSION, SERVING_FOLDER
from services.ranker.model_client import model_name

LOG = logging.getLogger(__name__)

POLL_S = 1.0


@dataclass(frozen=True)
class ServedModel:
    """The fusion model of one shop."""

    name: str
    base_path: Path
    """A folder of numbered versions, as TensorFlow Serving sees it."""
    versions: tuple[int, ...]
    """Those to have loaded, in order; at least one."""
    labels: tuple[tuple[str, int], ...] = ()
    """Label and version, for people who ask the server by hand; the ranker names versions by number."""


def served_models(releases_dir: Path, now: datetime) -> list[ServedModel]:
    """Return the models of all shops that have something to serve; a shop whose labels are broken is left out."""
    found = (_served_model(ReleaseDirectory(releases_dir, shop_id), now) for shop_id in shop_ids(releases_dir))
    return [model for model in found if model is not None]


def model_list(models: Iterable[ServedModel]) -> str:
    """Return a ModelServerConfig in protocol buffer text form, one model after the other."""
    entries = "".join(_entry(model) for model in models)
    return f"# Written by the ranker; changes are overwritten.\nmodel_config_list {{\n{entries}}}\n"


def write_model_list(path: Path, releases_dir: Path) -> bool:
    """Bring the file in line with the folder of releases; says whether it changed."""
    wanted = model_list(served_models(releases_dir, datetime.now(UTC)))
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        return False
    write_atomically(path, wanted)
    return True


async def keep_model_list(path: Path, releases_dir: Path) -> None:
    """Look again and again, until cancelled. Several replicas may: each writes the same."""
    while True:
        try:
            if await asyncio.to_thread(write_model_list, path, releases_dir):
                LOG.info("list of models written", extra={"fields": {"path": str(path)}})
        except OSError:  # the list that is there stays in force, and the next look may go well
            LOG.exception("the list of models cannot be written", extra={"fields": {"path": str(path)}})
        await asyncio.sleep(POLL_S)


def _served_model(directory: ReleaseDirectory, now: datetime) -> ServedModel | None:
    base_path = directory.path / SERVING_FOLDER / FUSION
    try:
        labels = directory.labels()
    except ReleaseBroken:
        LOG.exception("a shop's models are left out", extra={"fields": {"shop_id": directory.shop_id}})
        return None
    wanted = {version_of(release_id) for release_id in wanted_ids(directory, labels, now)}
    versions = tuple(sorted(version for version in wanted if (base_path / str(version)).is_dir()))
    if not versions:
        return None
    labelled = {label: version_of(release_id) for label, release_id in labels.model_dump().items() if release_id}
    named = tuple((label, version) for label, version in sorted(labelled.items()) if version in versions)
    return ServedModel(model_name(directory.shop_id), base_path, versions, named)


def _entry(model: ServedModel) -> str:
    versions = " ".join(f"versions: {version}" for version in model.versions)
    labels = "".join(f'    version_labels {{ key: "{label}" value: {version} }}\n' for label, version in model.labels)
    return (
        "  config {\n"
        f'    name: "{model.name}"\n'
        f'    base_path: "{model.base_path}"\n'
        '    model_platform: "tensorflow"\n'
        f"    model_version_policy {{ specific {{ {versions} }} }}\n"
        f"{labels}"
        "  }\n"
    )
