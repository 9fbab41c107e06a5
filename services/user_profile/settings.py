"""What user_profile can be told."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from services.kit.settings import DatabaseSettings
from services.user_profile.consent import Purpose

PurposeName = Literal["personalisation", "analytics", "marketing"]


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class UserProfileSettings(DatabaseSettings):
    """Settings of user_profile; read once at start from VITRINE_<FIELD>."""

    listen: str = "127.0.0.1:7101"
    """Address and port to serve gRPC on; port 0 takes a free one."""
    pseudonym_key: Annotated[SecretStr, Field(min_length=16)]
    """Secret that pseudonyms are derived from. Losing it orphans every stored event; all replicas need the same one."""
    tracking_key: Annotated[SecretStr, Field(min_length=16)]
    """Secret that tracking tokens are signed with; the same one as page_composer's."""
    default_consent: Annotated[tuple[PurposeName, ...], NoDecode, BeforeValidator(_split)] = (
        "personalisation",
        "analytics",
        "marketing",
    )
    """Purposes that a user who has decided nothing agrees to, separated by commas; empty where the law asks first."""
    similar_users_limit: int = Field(default=100_000, ge=0)
    """Users whose embeddings are held in memory for FindSimilarUsers, those last active first."""
    similar_users_active_days: int = Field(default=90, ge=1)
    """Users who did nothing for so long are not found as similar."""
    similar_users_refresh_s: float = Field(default=30.0, gt=0.0)
    """Time between two looks for users who changed."""
    deletion_poll_s: float = Field(default=0.5, gt=0.0)
    """Time between two looks for new deletions, by each watcher."""

    @property
    def granted_by_default(self) -> frozenset[Purpose]:
        """The purposes of `default_consent`."""
        return frozenset(Purpose[name.upper()] for name in self.default_consent)
