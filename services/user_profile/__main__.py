"""`python -m services.user_profile [serve | migrate]`; settings come from VITRINE_<FIELD> (settings.py)."""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from services.kit.database import create_engine
from services.kit.errors import DependencyDown
from services.kit.executor import BoundedExecutor
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
from services.user_profile.sql.moments import moment
from services.user_profile.store import SqlStore
from services.user_profile.tables import SCHEMA
from services.user_profile.upkeep import Upkeep
from vitrine.common.v1.common_pb2_grpc import add_ReadinessServiceServicer_to_server
from vitrine.user_profile.v1.user_profile_pb2_grpc import add_UserProfileServiceServicer_to_server

LOG = logging.getLogger(__name__)

DATABASE_RETRY_S: Final = 0.5
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def wall_clock_us() -> int:
    """The time in microseconds since 1970."""
    return time.time_ns() // 1_000


def definition(settings: UserProfileSettings, clock_us: Callable[[], int] = wall_clock_us) -> ServiceDefinition:
    """user_profile, ready to be served. Tests give a clock of their own."""

    async def wire(runtime: Runtime) -> None:
        engine = create_engine(settings)
        runtime.resources.push_async_callback(engine.dispose)
        # Of its own: a batch that PostgreSQL waits for does not queue behind the reading of the next.
        aside = BoundedExecutor("user_profile_recording")
        runtime.resources.callback(aside.close)
        store = SqlStore(engine, settings.granted_by_default, executor=aside)
        releases: ReleaseWatcher[ProfileRelease] = ReleaseWatcher(settings.releases_dir, load_release)
        similar_users = SimilarUsers(
            store,
            SimilarUsersSettings(
                settings.similar_users_limit, settings.similar_users_active_days, settings.similar_users_refresh_s
            ),
        )
        holdings = Holdings(
            store=store,
            releases=releases,
            similar_users=similar_users,
            pseudonyms=Pseudonyms(settings.pseudonym_key.get_secret_value()),
            tracking_key=settings.tracking_key.get_secret_value().encode(),
            executor=runtime.executor,
            clock_us=clock_us,
            deletion_poll_s=settings.deletion_poll_s,
        )
        runtime.register(add_UserProfileServiceServicer_to_server, UserProfileServicer(holdings))
        runtime.register(add_ReadinessServiceServicer_to_server, ReadinessServicer(releases))
        upkeep = Upkeep(store, releases, similar_users, clock_us)

        async def warm_up() -> None:
            await _until_database_answers(partial(_prepare, settings, store))
            await releases.look()
            runtime.background.spawn("release_watch", releases.watch())
            runtime.background.spawn("partitions", upkeep.keep_partitions())
            runtime.background.spawn("similar_users", upkeep.keep_similar_users())

        runtime.warm_up(warm_up)

    return ServiceDefinition("user_profile", settings, wire)


async def _prepare(settings: UserProfileSettings, store: SqlStore) -> None:
    await migrate(settings.database_dsn.get_secret_value(), MIGRATIONS, SCHEMA)
    await store.partitions.ensure_ahead(moment(wall_clock_us()))
    await store.ping()


async def _until_database_answers(work: Callable[[], Awaitable[None]]) -> None:
    """Try until it works: a process that starts before its database waits, NOT_SERVING, instead of ending."""
    while True:
        try:
            return await work()
        except DependencyDown as error:
            LOG.warning("waiting for the database: %s", error.message)
            await asyncio.sleep(DATABASE_RETRY_S)


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
