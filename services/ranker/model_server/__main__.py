"""`python -m services.ranker.model_server` serves SavedModels by TensorFlow Serving's protocol (ADR 0006)."""

import asyncio
import logging

from services.kit.executor import BoundedExecutor
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, run
from services.ranker.model_server.configuration import configured_models
from services.ranker.model_server.model_store import ModelStore
from services.ranker.model_server.servicers import ModelServicer, PredictionServicer
from services.ranker.model_server.settings import ModelServerSettings, read_settings
from services.ranker.predict_protocol import model_service_pb2_grpc, prediction_service_pb2_grpc

LOG = logging.getLogger(__name__)


def definition(settings: ModelServerSettings) -> ServiceDefinition:
    """The model server, ready to be served."""

    async def wire(runtime: Runtime) -> None:
        executor = BoundedExecutor("model", threads=settings.model_threads, queue_limit=settings.max_in_flight)
        loading = BoundedExecutor("model_loading", threads=1)
        runtime.resources.callback(executor.close)
        runtime.resources.callback(loading.close)
        store = ModelStore(loading, settings.versions_kept)
        runtime.resources.callback(store.close)
        runtime.register(
            prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server, PredictionServicer(store, executor)
        )
        runtime.register(
            model_service_pb2_grpc.add_ModelServiceServicer_to_server, ModelServicer(store, runtime.background)
        )
        known: frozenset[str] = frozenset()

        async def look() -> None:
            # Only when the shops change, so that a list sent by HandleReloadConfigRequest stays in force.
            nonlocal known
            models = await asyncio.to_thread(configured_models, settings.models, settings.releases_dir)
            if frozenset(models) != known:
                known = frozenset(models)
                store.configure(models)
            await store.look()

        async def watch() -> None:
            while True:
                await asyncio.sleep(settings.poll_s)
                try:
                    await look()
                except Exception:  # what is loaded stays usable, and the next look may go well
                    LOG.exception("looking for models failed")

        async def warm_up() -> None:
            await look()
            runtime.background.spawn("model_watch", watch())

        runtime.warm_up(warm_up)

    return ServiceDefinition("model_server", settings, wire)


def main() -> None:
    """Serve until SIGTERM."""
    run(definition(read_settings()))


if __name__ == "__main__":
    main()
