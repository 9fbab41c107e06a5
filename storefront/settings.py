"""What the storefront can be told, from `VITRINE_STOREFRONT_<FIELD>`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "VITRINE_STOREFRONT_"


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words, separated by commas in the environment."""


class StorefrontSettings(BaseSettings):
    """Everything the web tier needs to know; read once, at the start."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True)

    cookie_secret: SecretStr = Field(min_length=16)
    """Signs cookies, forms and click links; the same for all replicas of the storefront, 16 characters or more."""
    listen: str = Field(default="127.0.0.1:8080", pattern=r"^[^:]*:\d{1,5}$")
    """Address and port to serve HTTP on; port 0 takes a free one."""
    shops: Words = Field(default=("boutique",), min_length=1)
    """Shops to show. The first is at "/", every one at "/shops/<shop_id>/"."""
    shop_names: dict[str, str] = {}
    """Names over the door by shop id, as a JSON object; a shop without one is called by its id."""
    user_profile_addresses: Words = Field(default=("127.0.0.1:7101",), min_length=1)
    """Replicas of user_profile, each `host:port`."""
    item_vision_addresses: Words = Field(default=("127.0.0.1:7102",), min_length=1)
    """Replicas of item_vision, each `host:port`."""
    ranker_addresses: Words = Field(default=("127.0.0.1:7103",), min_length=1)
    """Replicas of ranker, each `host:port`."""
    page_composer_addresses: Words = Field(default=("127.0.0.1:7104",), min_length=1)
    """Replicas of page_composer, each `host:port`."""
    tls_ca_path: Path | None = None
    """PEM roots that the services are checked against; unset: plain text."""
    tls_certificate_path: Path | None = None
    """PEM certificate chain shown to services that ask for one (mutual TLS)."""
    tls_key_path: Path | None = None
    """PEM private key of that certificate."""
    page_deadline_ms: int = Field(default=1_000, ge=50, le=5_000)
    """Deadline of ComposePage."""
    media_folders: dict[str, Path] = {}
    """Folders of pictures that belong to no item, such as banners, by shop id, as a JSON object."""
    secure_cookies: bool = False
    """Send cookies over https only; switch on wherever the storefront is reached by https."""
    demo_users: Words = ()
    """User ids offered under "switch user"."""
    demo_users_path: Path | None = None
    """Text file of further user ids to offer, one a line."""
    regions: Words = ("DE", "GB", "ES", "FR", "IT", "US", "MX", "BR", "CN", "CN-31", "JP", "IN")
    """Regions offered, ISO 3166-1 or 3166-2."""
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    """ISO 4217 currency that price filters are typed in."""
    console_enabled: bool = True
    """Whether the merchandiser's console is served under /console."""
    console_password: SecretStr | None = None
    """Password that the console asks for (user name "merchandiser"); unset: none is asked, for demonstrations."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""

    def offered_users(self) -> tuple[str, ...]:
        """The demo users of setting and file, in order, each once; a file that is not there yet offers none.

        Raises: OSError when the file cannot be read.
        """
        listed = list(self.demo_users)
        if self.demo_users_path is not None and self.demo_users_path.exists():
            listed += self.demo_users_path.read_text(encoding="utf-8").split("\n")
        return tuple(dict.fromkeys(user.strip() for user in listed if user.strip()))

    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host or "0.0.0.0", int(port)


def load() -> StorefrontSettings:
    """Read settings; on problems print all of them together and exit with status 2."""
    try:
        settings = StorefrontSettings()  # type: ignore[call-arg]  # read from the environment
        settings.offered_users()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            print(f"{PREFIX}{name.upper()}: {problem['msg']}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except OSError as error:
        print(f"{PREFIX}DEMO_USERS_PATH: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    return settings
