"""Settings that every service has. A service's own object extends these; it is read once, at the start."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "VITRINE_"
SETTINGS_FILE_VARIABLE = "VITRINE_SETTINGS_FILE"


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _postgresql(dsn: SecretStr) -> SecretStr:
    if not dsn.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("a DSN starts with postgresql://")
    return dsn


Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]
"""One or more `host:port`, separated by commas in the environment: the replicas of one service."""


Secret = Annotated[SecretStr, Field(min_length=16)]
"""A key that is never logged; too short ones are refused."""


class ServiceSettings(BaseSettings):
    """What every service can be told, from `VITRINE_<FIELD>` or from the TOML file that VITRINE_SETTINGS_FILE
    names.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True)

    listen: str = "127.0.0.1:0"
    """Address and port to serve gRPC on; port 0 takes a free one."""
    advertised_address: str = ""
    """Address that others reach this process at, where it differs from `listen`; used in logs."""
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the Prometheus page `/metrics` on the host of `listen`; unset: none, 0: a free one."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level that is logged."""
    log_format: Literal["plain", "json"] = "plain"
    """One readable line, or one JSON object, for each record."""
    releases_dir: Path = Path("work/releases")
    """Folder of releases, one sub-folder a shop."""
    drain_seconds: float = Field(default=10.0, ge=0.0, le=600.0)
    """Within this time after SIGTERM calls in flight are finished and the process has ended."""
    default_deadline_ms: int = Field(default=2_000, ge=1)
    """Deadline of unary calls whose caller set none."""
    max_connection_age_s: float = Field(default=60.0, gt=0.0)
    """Connections are closed after this time, so that clients spread over replicas anew."""
    max_message_bytes: int = Field(default=16 * 2**20, ge=2**10)
    """Largest request and answer."""
    max_in_flight: int = Field(default=256, ge=1)
    """Calls worked on at a time; more are refused as OVERLOADED. Watches do not count."""
    tls_certificate_path: Path | None = None
    """PEM certificate chain to serve with; TLS is on when this is set."""
    tls_key_path: Path | None = None
    """PEM private key of that certificate."""
    tls_ca_path: Path | None = None
    """PEM roots that peers are checked against: clients (mutual TLS) and upstream servers."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.tls_certificate_path is None) != (self.tls_key_path is None):
            raise ValueError("tls_certificate_path and tls_key_path are set together or not at all")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, then the settings file if one is named."""
        path = os.environ.get(SETTINGS_FILE_VARIABLE)
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        if path:
            if not Path(path).is_file():
                raise FileNotFoundError(f"{SETTINGS_FILE_VARIABLE} names {path}, which is not there")
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=Path(path)),)
        return sources

    def describe(self) -> dict[str, str]:
        """Return every setting as text for the start-up log; secrets are masked."""
        return {name: str(getattr(self, name)) for name in sorted(type(self).model_fields)}


class DatabaseSettings(ServiceSettings):
    """Settings of a service that owns a PostgreSQL schema."""

    database_dsn: Annotated[SecretStr, AfterValidator(_postgresql)]
    """`postgresql://user:password@host:port/database`; the driver is chosen here, not in the DSN."""
    database_pool_size: int = Field(default=5, ge=1, le=100)
    """Connections kept; pool sizes times processes stay below the server's max_connections."""
    database_statement_timeout_ms: int = Field(default=5_000, ge=1)
    """The server gives a statement up after this time."""
    database_connect_timeout_s: float = Field(default=2.0, gt=0.0)
    """How long opening a connection, or waiting for a free one, may take."""


Settings = TypeVar("Settings", bound=BaseSettings)


def load(kind: type[Settings]) -> Settings:
    """Read settings; on problems print all of them together and exit with status 2."""
    try:
        return kind()
    except (ValidationError, ValueError, OSError) as error:
        print(explain(kind, error), file=sys.stderr)  # noqa: T201  logging is not set up yet
        raise SystemExit(2) from None


def explain(kind: type[BaseSettings], error: Exception) -> str:
    """Say what is wrong with each setting and what it is for; values may be secrets: not repeated."""
    if not isinstance(error, ValidationError):
        return f"the settings cannot be read: {error}"
    lines = [f"{kind.__name__}: {error.error_count()} problem(s) with the settings"]
    for problem in error.errors(include_input=False, include_url=False):
        if not problem["loc"]:  # a rule over several settings
            lines.append(f"  {problem['msg']}")
            continue
        name = str(problem["loc"][0])
        field = kind.model_fields.get(name)
        purpose = f"  ({field.description})" if field is not None and field.description else ""
        lines.append(f"  {PREFIX}{name.upper()}: {problem['msg']}{purpose}")
    return "\n".join(lines)
