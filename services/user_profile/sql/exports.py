"""Reading events in time order, page by page: memory stays small and no connection is held while a caller is slow."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database import reading
from services.user_profile.consent import Purpose
from services.user_profile.events import Event
from services.user_profile.sql.event_rows import SELECTED, from_row
from services.user_profile.sql.moments import EPOCH, moment
from services.user_profile.sql.subjects import granted_condition
from services.user_profile.tables import SCHEMA

PAGE = 1_000

# Within one time events go by id, so that a page may end anywhere.
_AFTER = (
    "occurred_at >= :from_at AND (occurred_at, event_id) > (:from_at, :after_id) AND occurred_at < :before "
    "ORDER BY occurred_at, event_id LIMIT :page"
)
# Whether a subject agrees is looked up event by event, by primary key. As a join, PostgreSQL compared every event with
# every subject of a shop that had just been imported and that its statistics did not know yet.
_OF_SHOP = (
    f"SELECT {SELECTED}, (SELECT {{agreed}} FROM {SCHEMA}.subjects WHERE subjects.shop_id = events.shop_id "
    f"AND subjects.pseudonym = events.subject) AS agreed FROM {SCHEMA}.events WHERE events.shop_id = :shop_id "
    "AND (:all_actions OR action = ANY(:actions)) AND " + _AFTER
)
_OF_SUBJECTS = text(
    f"SELECT {SELECTED} FROM {SCHEMA}.events WHERE shop_id = :shop_id AND subject = ANY(:subjects) AND " + _AFTER
)


@dataclass(frozen=True)
class EventRange:
    """Which events of a shop are wanted."""

    from_us: int
    """Events at or after this time."""
    before_us: int
    """Events before this time."""
    actions: Sequence[int] = ()
    """Only these actions; all when empty."""


async def of_shop(
    engine: AsyncEngine, shop_id: str, wanted: EventRange, granted_by_default: frozenset[Purpose]
) -> AsyncIterator[list[Event]]:
    """Pages of the events of subjects that agree to analytics while the page is read."""
    statement = text(_OF_SHOP.format(agreed=granted_condition(Purpose.ANALYTICS, granted_by_default)))
    parameters = {
        "shop_id": shop_id,
        "all_actions": not wanted.actions,
        "actions": list(wanted.actions),
        "before": moment(wanted.before_us),
    }
    from_at, after_id = moment(wanted.from_us), ""
    while True:
        page = {**parameters, "from_at": from_at, "after_id": after_id, "page": PAGE}
        async with reading(engine) as connection:
            rows = (await connection.execute(statement, page)).mappings().all()
        if events := [from_row(row) for row in rows if row["agreed"]]:
            yield events
        if len(rows) < PAGE:
            return
        from_at, after_id = rows[-1]["occurred_at"], rows[-1]["event_id"]


async def of_subjects(
    engine: AsyncEngine, shop_id: str, subjects: Sequence[bytes], before: datetime
) -> AsyncIterator[list[Event]]:
    """Pages of everything recorded for some subjects."""
    from_at, after_id = EPOCH, ""
    while True:
        page = {"from_at": from_at, "after_id": after_id, "before": before, "page": PAGE}
        async with reading(engine) as connection:
            found = await connection.execute(_OF_SUBJECTS, {"shop_id": shop_id, "subjects": list(subjects), **page})
            rows = found.mappings().all()
        if rows:
            yield [from_row(row) for row in rows]
        if len(rows) < PAGE:
            return
        from_at, after_id = rows[-1]["occurred_at"], rows[-1]["event_id"]
