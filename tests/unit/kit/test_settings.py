"""Settings: read from the environment, all problems at once, secrets masked."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kit.settings import Addresses, DatabaseSettings, Secret, ServiceSettings, load

DSN = "postgresql://vitrine:hunter2-hunter2@localhost:5432/vitrine"


class ComposerSettings(DatabaseSettings):
    """Settings of a service for these tests."""

    ranker_addresses: Addresses
    """Where the ranker is."""
    tracking_key: Secret
    """Signs tracking tokens."""


@pytest.fixture
def environment(monkeypatch):
    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"VITRINE_{name}", value)

    put(DATABASE_DSN=DSN, RANKER_ADDRESSES="127.0.0.1:7103, 127.0.0.1:7113", TRACKING_KEY="k" * 32)
    return put


def test_fields_come_from_the_environment(environment):
    environment(LISTEN="0.0.0.0:7104", METRICS_PORT="7204", RELEASES_DIR="/releases")
    settings = load(ComposerSettings)
    assert settings.listen == "0.0.0.0:7104"
    assert settings.metrics_port == 7204
    assert settings.releases_dir == Path("/releases")
    assert settings.ranker_addresses == ("127.0.0.1:7103", "127.0.0.1:7113")
    assert settings.database_dsn.get_secret_value() == DSN


def test_the_settings_file_stands_behind_the_environment(environment, tmp_path):
    path = tmp_path / "composer.toml"
    path.write_text('listen = "file:1"\ndrain_seconds = 3\nranker_addresses = ["file:2"]\n')
    environment(SETTINGS_FILE=str(path), LISTEN="environment:1")
    settings = load(ComposerSettings)
    assert (settings.listen, settings.drain_seconds) == ("environment:1", 3.0)
    assert settings.ranker_addresses == ("127.0.0.1:7103", "127.0.0.1:7113")


def test_all_problems_are_reported_together_without_values(environment, monkeypatch, capsys):
    environment(MAX_IN_FLIGHT="many", DRAIN_SECONDS="-1", TRACKING_KEY="too-short-key", DATABASE_DSN="mysql://pw@h/db")
    monkeypatch.delenv("VITRINE_RANKER_ADDRESSES")
    with pytest.raises(SystemExit) as caught:
        load(ComposerSettings)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    for name in ("MAX_IN_FLIGHT", "DRAIN_SECONDS", "TRACKING_KEY", "DATABASE_DSN", "RANKER_ADDRESSES"):
        assert f"VITRINE_{name}: " in said
    assert "Where the ranker is." in said
    assert "too-short-key" not in said
    assert "mysql" not in said


def test_a_certificate_needs_its_key(environment, capsys):
    environment(TLS_CERTIFICATE_PATH="server.pem")
    with pytest.raises(SystemExit):
        load(ComposerSettings)
    assert "tls_key_path are set together" in capsys.readouterr().err


def test_a_settings_file_that_is_no_toml_is_a_readable_problem(environment, tmp_path, capsys):
    path = tmp_path / "broken.toml"
    path.write_text("listen = ")
    environment(SETTINGS_FILE=str(path))
    with pytest.raises(SystemExit) as caught:
        load(ComposerSettings)
    assert caught.value.code == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_missing_settings_file_is_a_readable_problem(environment, tmp_path, capsys):
    environment(SETTINGS_FILE=str(tmp_path / "absent.toml"))
    with pytest.raises(SystemExit) as caught:
        load(ComposerSettings)
    assert caught.value.code == 2
    assert "absent.toml" in capsys.readouterr().err


def test_secrets_are_masked_in_the_start_up_log(environment):
    described = load(ComposerSettings).describe()
    assert described["database_dsn"] == described["tracking_key"] == "**********"
    assert described["listen"] == "127.0.0.1:0"
    assert not any("hunter2" in value for value in described.values())


def test_settings_cannot_be_changed():
    settings = ServiceSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.listen = "elsewhere:1"


def test_every_setting_is_documented():
    for name, field in ComposerSettings.model_fields.items():
        assert field.description, f"{name} has no description"
