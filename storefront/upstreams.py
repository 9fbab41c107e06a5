"""The four services, as the storefront calls them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import grpc

from storefront.deadlines import ExplicitTimeouts, timeouts_of, without_timeouts
from storefront.settings import StorefrontSettings
from vitrine.item_vision.v1.item_vision_pb2_grpc import CatalogueServiceStub, ItemVisionServiceStub
from vitrine.page_composer.v1.merchandising_pb2_grpc import MerchandisingServiceStub
from vitrine.page_composer.v1.page_composer_pb2_grpc import PageComposerServiceStub
from vitrine.ranker.v1.ranker_pb2_grpc import RankerServiceStub
from vitrine.user_profile.v1.user_profile_pb2_grpc import UserProfileServiceStub

if TYPE_CHECKING:
    from vitrine.item_vision.v1.item_vision_pb2_grpc import (
        CatalogueServiceAsyncStub,
        ItemVisionServiceAsyncStub,
    )
    from vitrine.page_composer.v1.merchandising_pb2_grpc import MerchandisingServiceAsyncStub
    from vitrine.page_composer.v1.page_composer_pb2_grpc import PageComposerServiceAsyncStub
    from vitrine.ranker.v1.ranker_pb2_grpc import RankerServiceAsyncStub
    from vitrine.user_profile.v1.user_profile_pb2_grpc import UserProfileServiceAsyncStub

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 16 * 2**20),
)


@dataclass(frozen=True)
class Upstreams:
    """One stub a service; time-outs and retries are those written beside the contracts."""

    profiles: "UserProfileServiceAsyncStub"
    catalogue: "CatalogueServiceAsyncStub"
    vision: "ItemVisionServiceAsyncStub"
    ranker: "RankerServiceAsyncStub"
    composer: "PageComposerServiceAsyncStub"
    merchandising: "MerchandisingServiceAsyncStub"
    channels: tuple[grpc.aio.Channel, ...]

    async def close(self) -> None:
        """Close every channel."""
        for channel in self.channels:
            await channel.close()


def connect(settings: StorefrontSettings) -> Upstreams:
    """Open a channel to each service. Must be called within a running event loop; nothing is waited for."""
    credentials = None
    if settings.tls_ca_path is not None:
        own = (settings.tls_key_path, settings.tls_certificate_path)
        credentials = grpc.ssl_channel_credentials(
            settings.tls_ca_path.read_bytes(), *(path.read_bytes() if path else None for path in own)
        )
    profile = _channel(settings.user_profile_addresses, "vitrine.user_profile.v1", credentials)
    vision = _channel(settings.item_vision_addresses, "vitrine.item_vision.v1", credentials)
    ranker = _channel(settings.ranker_addresses, "vitrine.ranker.v1", credentials)
    composer = _channel(settings.page_composer_addresses, "vitrine.page_composer.v1", credentials)
    return Upstreams(
        profiles=UserProfileServiceStub(profile),  # type: ignore[arg-type]  # an aio channel makes the async stub
        catalogue=CatalogueServiceStub(vision),  # type: ignore[arg-type]  # an aio channel makes the async stub
        vision=ItemVisionServiceStub(vision),  # type: ignore[arg-type]  # an aio channel makes the async stub
        ranker=RankerServiceStub(ranker),  # type: ignore[arg-type]  # an aio channel makes the async stub
        composer=PageComposerServiceStub(composer),  # type: ignore[arg-type]  # an aio channel makes the async stub
        merchandising=MerchandisingServiceStub(composer),  # type: ignore[arg-type]  # an aio channel makes the async stub
        channels=(profile, vision, ranker, composer),
    )


def _channel(addresses: Sequence[str], package: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    config = json.loads(files(package).joinpath("service_config.json").read_text(encoding="utf-8"))
    interceptors = [ExplicitTimeouts(timeouts_of(config))]
    config = {"loadBalancingConfig": [{"round_robin": {}}], **without_timeouts(config)}
    options = [*_OPTIONS, ("grpc.service_config", json.dumps(config))]
    target = _target(addresses)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)


def _target(addresses: Sequence[str]) -> str:
    """One address is left to DNS, which may know many replicas; several are taken as they are, so they are numbers."""
    if len(addresses) == 1:
        return f"dns:///{addresses[0]}"
    return "ipv4:" + ",".join(address.replace("localhost", "127.0.0.1") for address in addresses)
