"""`python -m services.user_profile [serve | migrate]`; settings come from VITRINE_<FIELD> (settings.py)."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.kit.database import create_engine
from services.kit.migrations import migrate
from services.kit.pseudonyms import Pseudonyms
from services.kit.readiness import ReadinessServicer
from services.kit.release_watcher import ReleaseWatcher
from services.kit.runtime import Runtime
from services.kit.serving import ServiceDefinition, run
from services.kit.settings import load
from services.user_profile.release import ProfileRelease, load_release
from services.user_profile.servicer import Holdings, UserProfileServicer
from services.user_profile.settings import UserProfileSettings
from services.user_profile.similar_users import SimilarUsers, SimilarUsersSettings
from services.user_profile.store import SqlStore
from services.user_profile.tables import SCHEMA
from services.user_profile.upkeep import Upkeep
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.user_profile.v1.user_profile_pb2_grpc import add_UserProfileServiceServicer_to_server

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def definition(settings: UserProfileSettings) -> ServiceDefinition:
    """user_profile, ready to be served."""

    async def wire(runtime: Runtime) -> None:
        engine = create_engine(settings)
        runtime.resources.push_async_callback(engine.dispose)
        store = SqlStore(engine, settings.granted_by_default)
        releases: ReleaseWatcher[ProfileRelease] = ReleaseWatcher(settings.releases_dir, load_release)
        similar_users = SimilarUsers(
            store, SimilarUsersSettings(settings.similar_users_limit, settings.similar_users_active_days)
        )
        holdings = Holdings(
            store=store,
            releases=releases,
            similar_users=similar_users,
            pseudonyms=Pseudonyms(settings.pseudonym_key.get_secret_value()),
            tracking_key=settings.tracking_key.get_secret_value().encode(),
            executor=runtime.executor,
            clock_us=lambda: time.time_ns() // 1_000,
            deletion_poll_s=settings.deletion_poll_s,
        )
        runtime.register(add_UserProfileServiceServicer_to_server, UserProfileServicer(holdings))
        runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(releases))
        upkeep = Upkeep(store, releases, similar_users, settings.similar_users_refresh_s)

        async def warm_up() -> None:
            await migrate(settings.database_dsn.get_secret_value(), MIGRATIONS, SCHEMA)
            await store.partitions.ensure_ahead(datetime.now(UTC))
            await store.ping()
            await releases.look()
            runtime.background.spawn("release_watch", releases.watch())
            runtime.background.spawn("partitions", upkeep.keep_partitions())
            runtime.background.spawn("similar_users", upkeep.keep_similar_users())

        runtime.warm_up(warm_up)

    return ServiceDefinition("user_profile", settings, wire)


def main() -> None:
    """Serve until SIGTERM, or bring the schema up to date and end."""
    command = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if command not in ("serve", "migrate"):
        raise SystemExit(f"unknown command {command!r}: say serve or migrate")
    settings = load(UserProfileSettings)
    if command == "migrate":
        asyncio.run(migrate(settings.database_dsn.get_secret_value(), MIGRATIONS, SCHEMA))
    else:
        run(definition(settings))


if __name__ == "__main__":
    main()
