"""Events as a shop would export them. A session is anonymous until its sign-in, and may stay so."""

import json
from collections.abc import Iterator

import numpy as np

from lab.boutique.calendar import Times, timestamps
from lab.boutique.catalogue import Column, item_id
from lab.boutique.event_log import ACTIONS, FIELDS, NOTHING, Events
from lab.boutique.regions import CURRENCY, REGION_CODES
from lab.boutique.sessions import ANONYMOUS, SIGNED_IN, Sessions, session_id
from lab.boutique.users import CHANNELS, DEVICES, Users, user_id
from lab.boutique.wording.vocabulary import LANGUAGES

NEVER_MS = 1 << 62
NEEDS_SIGN_IN = ("cart", "purchase", "favourite", "rate", "review", "comment", "return", "uncart", "unfavourite")
"""Nobody does these anonymously: a session in which they happen is signed in from just before the first of them."""


def sign_in_ms(events: Events, sessions: Sessions, rng: np.random.Generator) -> Times:
    """When each session becomes its user's; NEVER_MS if it does not."""
    later = sessions.start_ms + rng.integers(8_000, 240_000, sessions.count)
    moment = np.where(sessions.kind == SIGNED_IN, 0, np.where(sessions.kind == ANONYMOUS, NEVER_MS, later))
    personal = np.isin(events.action, [ACTIONS.index(action) for action in NEEDS_SIGN_IN])
    np.minimum.at(moment, events.session[personal], events.time_ms[personal] - 500)
    return np.asarray(moment, dtype=np.int64)


def event_lines(events: Events, sessions: Sessions, users: Users, signed_in_ms: Times) -> Iterator[str]:
    """One line of JSON an event, in order of time."""
    heads = _session_heads(sessions, users)
    named = (events.time_ms >= signed_in_ms[events.session]).tolist()
    owners = [f'"user_id":"{user_id(user)}",' for user in sessions.user.tolist()]
    words = [json.dumps(text, ensure_ascii=False) for text in events.words]
    sections = [json.dumps(name) for name in events.sections]
    moments = timestamps(events.time_ms)
    columns = zip(*(events.fields[name].tolist() for name in FIELDS), strict=True)
    rows = zip(events.action.tolist(), events.session.tolist(), named, moments, columns, strict=True)
    for number, (action, session, known, moment, values) in enumerate(rows, start=1):
        owner = owners[session] if known else ""
        tail = _tail(ACTIONS[action], values, words, sections)
        yield (
            f'{{"event_id":"event-{number:07d}","action":"{ACTIONS[action]}",{owner}'
            f'"occurred_at":"{moment}",{heads[session]}{tail}}}\n'
        )


def _session_heads(sessions: Sessions, users: Users) -> list[str]:
    """What all events of a session say."""
    region, language = users.region[sessions.user].tolist(), users.language[sessions.user].tolist()
    device, channel = sessions.device.tolist(), sessions.channel.tolist()
    return [
        f'"session_id":"{session_id(row)}","device":"{DEVICES[device[row]]}","channel":"{CHANNELS[channel[row]]}",'
        f'"region":"{REGION_CODES[region[row]]}","locale":"{LANGUAGES[language[row]]}"'
        for row in range(sessions.count)
    ]


def _tail(action: str, values: tuple[int, ...], words: list[str], sections: list[str]) -> str:
    """What only this event says."""
    item, page, section, row, column, quantity, price_minor, rating, said = values
    parts = ""
    if item != NOTHING:
        parts += f',"item_id":"{item_id(item)}"'
    if page != NOTHING:
        parts += f',"page_id":"page-{page + 1:06d}","section_id":{sections[section]},"row":{row},"column":{column}'
    if quantity != NOTHING:
        parts += f',"quantity":{quantity}'
    if price_minor != NOTHING:
        parts += f',"price_minor":{price_minor},"currency":"{CURRENCY}"'
    if rating != NOTHING:
        parts += f',"rating":{rating}'
    if said != NOTHING:
        parts += f',"query":{words[said]}' if action == "search" else f',"text":{words[said]}'
    return parts


def sessions_never_named(events: Events, signed_in_ms: Times) -> Column:
    """Sessions none of whose events carry a user: only the truth knows whose they are."""
    last = np.full(len(signed_in_ms), -1, dtype=np.int64)
    np.maximum.at(last, events.session, events.time_ms)
    return np.flatnonzero((last >= 0) & (last < signed_in_ms))
