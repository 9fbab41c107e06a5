"""The list of models for TensorFlow Serving, read back with its own message class."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf import text_format

from services.kit.label_moves import ask_for
from services.kit.release import Labels, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.ranker.model_list import model_list, served_models, write_model_list
from services.ranker.predict_protocol import model_server_config_pb2

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def publish(root: Path, shop_id: str, count: int) -> list[int]:
    versions = []
    for hour in range(count):
        with ReleaseWriter(root, shop_id, datetime(2026, 1, 1, hour, tzinfo=UTC)) as writer:
            writer.path(f"fusion/{writer.version}/saved_model.pb").write_bytes(b"a model")
            writer.publish(data_sha256="0" * 64, spaces={}, calibrated=True)
        versions.append(writer.version)
    return versions


@pytest.fixture
def versions(tmp_path: Path) -> list[int]:
    """Versions of the boutique, oldest first; the first is stable."""
    published = publish(tmp_path, "boutique", 4)
    ReleaseDirectory(tmp_path, "boutique").write_labels(Labels(stable=f"r{published[0]}"))
    return published


def configuration(root: Path, now: datetime = NOW) -> list:
    text = model_list(served_models(root, now))
    parsed = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    return list(parsed.model_config_list.config)


def test_every_shop_is_a_model_with_the_versions_that_services_hold(tmp_path, versions):
    (other,) = publish(tmp_path, "apparel", 1)
    apparel, boutique = configuration(tmp_path)
    assert (apparel.name, boutique.name) == ("fusion-apparel", "fusion-boutique")
    assert list(apparel.model_version_policy.specific.versions) == [other]
    assert list(boutique.model_version_policy.specific.versions) == [versions[0], versions[3]]
    assert dict(boutique.version_labels) == {"stable": versions[0]}
    assert (Path(boutique.base_path) / str(versions[3]) / "saved_model.pb").is_file()


def test_a_release_that_is_asked_for_is_served_until_it_no_longer_is(tmp_path, versions):
    ask_for(ReleaseDirectory(tmp_path, "boutique"), f"r{versions[1]}", NOW, 30.0)
    (asked,) = configuration(tmp_path)
    assert list(asked.model_version_policy.specific.versions) == [versions[0], versions[1], versions[3]]
    (later,) = configuration(tmp_path, NOW + timedelta(seconds=31))
    assert list(later.model_version_policy.specific.versions) == [versions[0], versions[3]]


def test_a_folder_without_models_gives_an_empty_list(tmp_path):
    (tmp_path / "new-shop").mkdir()
    assert configuration(tmp_path) == []
    assert configuration(tmp_path / "nowhere") == []


def test_a_shop_with_broken_labels_does_not_take_the_others_down(tmp_path, versions):
    publish(tmp_path, "apparel", 1)
    (tmp_path / "apparel" / "labels.json").write_text("not json")
    assert [model.name for model in configuration(tmp_path)] == ["fusion-boutique"]


def test_the_file_is_written_only_when_something_changed(tmp_path, versions):
    path = tmp_path / "models.config"
    assert write_model_list(path, tmp_path)
    before = path.stat().st_mtime_ns
    assert not write_model_list(path, tmp_path)
    assert path.stat().st_mtime_ns == before
    ReleaseDirectory(tmp_path, "boutique").write_labels(Labels(stable=f"r{versions[3]}", previous=f"r{versions[0]}"))
    assert write_model_list(path, tmp_path)
    assert "previous" in path.read_text()
