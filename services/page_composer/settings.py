"""What page_composer can be told."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.kit.settings import Addresses, DatabaseSettings
from services.page_composer.weighing import WEIGHTS_FOLDER


class PageComposerSettings(DatabaseSettings):
    """Settings of page_composer; read once at start from VITRINE_<FIELD>."""

    listen: str = "127.0.0.1:7104"
    """Address and port to serve gRPC on; port 0 takes a free one."""
    default_deadline_ms: int = Field(default=1_000, ge=50)
    """Deadline of calls whose caller set none."""
    database_connect_timeout_s: float = Field(default=1.0, gt=0.0)
    """How long opening a connection, or waiting for a free one, may take."""
    user_profile_addresses: Addresses = ("127.0.0.1:7101",)
    """Every replica of user_profile."""
    item_vision_addresses: Addresses = ("127.0.0.1:7102",)
    """Every replica of item_vision."""
    ranker_addresses: Addresses = ("127.0.0.1:7103",)
    """Every replica of the ranker."""
    pseudonym_key: SecretStr
    """Secret behind the pseudonyms of users and sessions; the same as user_profile's."""
    tracking_key: SecretStr
    """Secret that tracking tokens are signed with; the same as user_profile's."""
    default_locale: str = "en"
    """Language of pages whose visit names none that we know."""
    assumed_visitor_age: int = Field(default=0, ge=0, le=99)
    """Age in years that a visitor is taken to have; items for older people are not shown."""
    weights_dir: Path = WEIGHTS_FOLDER
    """Folder with selection.yaml and shelf_posterior.yaml; changes are taken up within two seconds."""
    page_log_days: int = Field(default=400, ge=32, le=3_650)
    """How long logged pages are kept."""
