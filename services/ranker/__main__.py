"""`python -m services.ranker [serve | list-models]`; settings come from VITRINE_<FIELD> (settings.py).

`list-models` writes VITRINE_MODEL_LIST_PATH once and ends: TensorFlow Serving does not start without the file.
"""

import asyncio
import sys
from contextlib import suppress

from services.kit.channels import client_credentials
from services.kit.readiness import ReadinessServicer
from services.kit.release_watcher import ReleaseWatcher
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, run
from services.kit.settings import load
from services.kit.upstream import Upstream
from services.ranker.catalogue_watch import CatalogueWatch
from services.ranker.labels import ReleaseLabels
from services.ranker.model_client import ModelClient
from services.ranker.model_list import keep_model_list, write_model_list
from services.ranker.readiness import Readiness
from services.ranker.release_servicer import ReleaseServicer
from services.ranker.servicer import RankerServicer
from services.ranker.settings import RankerSettings
from services.ranker.wiring import CATALOGUE_WAIT_S, Holdings, ReleaseLoader, tie
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.ranker.v1.ranker_pb2_grpc import add_RankerServiceServicer_to_server, add_ReleaseServiceServicer_to_server


def definition(settings: RankerSettings) -> ServiceDefinition:
    """The ranker, ready to be served."""

    async def wire(runtime: Runtime) -> None:
        credentials = client_credentials(settings)
        item_vision = Upstream.open(
            "item_vision", settings.item_vision_addresses, "vitrine.item_vision.v1", credentials=credentials
        )
        runtime.resources.push_async_callback(item_vision.close)
        model = ModelClient.open(settings.model_server_addresses)
        runtime.resources.push_async_callback(model.close)
        catalogues = CatalogueWatch(item_vision, runtime.background)
        loader = ReleaseLoader(item_vision, catalogues, runtime.background)
        releases = ReleaseWatcher(settings.releases_dir, loader.load, drop=loader.drop)
        readiness = Readiness(
            {
                "user_profile": settings.user_profile_addresses,
                "item_vision": settings.item_vision_addresses,
                "ranker": settings.ranker_addresses,
                "page_composer": settings.page_composer_addresses,
            },
            settings.model_server_addresses,
            credentials,
        )
        runtime.resources.push_async_callback(readiness.close)
        holdings = Holdings(settings, releases, catalogues, model, runtime.executor)
        labels = ReleaseLabels(settings.releases_dir, readiness.ready_services)
        runtime.register(add_RankerServiceServicer_to_server, RankerServicer(holdings))
        runtime.register(add_ReleaseServiceServicer_to_server, ReleaseServicer(labels, settings.promotion_wait_s))
        runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(releases))

        async def warm_up() -> None:
            await releases.look()
            runtime.background.spawn("release_watch", releases.watch())
            if settings.model_list_path is not None:
                keeping = keep_model_list(settings.model_list_path, settings.releases_dir)
                runtime.background.spawn("model_list", keeping)
            # Without item_vision the vocabulary stands in, so its absence must not keep the ranker from serving.
            with suppress(TimeoutError):
                async with asyncio.timeout(CATALOGUE_WAIT_S):
                    await asyncio.gather(*(catalogues.until_settled(shop) for shop in releases.known_shops()))
            for shop in releases.known_shops():
                for release_id in releases.ready_ids(shop):
                    await asyncio.to_thread(tie, releases.get(shop, release_id), catalogues.catalogue(shop))

        runtime.warm_up(warm_up)

    return ServiceDefinition("ranker", settings, wire)


def main() -> None:
    """Serve until SIGTERM, or write the list of models and end."""
    command = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if command not in ("serve", "list-models"):
        raise SystemExit(f"unknown command {command!r}: say serve or list-models")
    settings = load(RankerSettings)
    if command == "serve":
        run(definition(settings))
    elif settings.model_list_path is None:
        raise SystemExit("VITRINE_MODEL_LIST_PATH: required by list-models: where to write the list")
    else:
        write_model_list(settings.model_list_path, settings.releases_dir)


if __name__ == "__main__":
    main()
