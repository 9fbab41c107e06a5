"""What the ranker can be told."""

from pathlib import Path

from pydantic import Field

from services.kit.settings import Addresses, ServiceSettings


class RankerSettings(ServiceSettings):
    """Settings of the ranker; read once at start from VITRINE_<FIELD>."""

    item_vision_addresses: Addresses = ("127.0.0.1:7102",)
    """Where the catalogue is watched."""
    model_server_addresses: Addresses = ("127.0.0.1:8500",)
    """TensorFlow Serving, or the embedded model server: the same protocol."""
    user_profile_addresses: Addresses = ("127.0.0.1:7101",)
    """Every replica; asked which releases they have ready before a promotion."""
    page_composer_addresses: Addresses = ("127.0.0.1:7104",)
    """Every replica; asked which releases they have ready before a promotion."""
    ranker_addresses: Addresses = ("127.0.0.1:7103",)
    """Every replica of the ranker itself; asked which releases they have ready before a promotion."""
    default_deadline_ms: int = Field(default=10_000, ge=1)
    """Deadline of calls whose caller set none: long enough for a promotion, which waits."""
    model_list_path: Path | None = None
    """File that TensorFlow Serving polls as its --model_config_file, kept current here; unset: none is written, as the
    embedded model server needs none."""
    model_timeout_ms: int = Field(default=300, ge=5, le=5_000)
    """Longest time for one Predict; the caller's deadline may make it shorter."""
    promotion_wait_s: float = Field(default=30.0, gt=0, le=600)
    """How long a promotion waits for every service to report the release ready."""
