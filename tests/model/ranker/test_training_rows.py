"""Training rows are, bit for bit, what serving would have built: every logged page's tensors are built a second time
from all events of its person, by the functions that serve, with nothing remembered from page to page.
"""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from lab.preparation.prepare import PrepareJob, prepare
from lab.training.content import Content
from lab.training.export import prepared_shop
from lab.training.learning import serving_parts
from lab.training.logged_pages import LoggedPage, logged_pages
from lab.training.popularity import Popularity
from lab.training.request_rows import RECENT_ACTIONS, Requests, ServingParts, impression_rows
from lab.training.shop_data import RawFeatures, ShopData
from lab.training.vocabulary import build_vocabulary, fit_price_bands
from services.item_vision.training.text_projection import fit_text_projection
from services.ranker.model.features import request_tensors
from services.ranker.model.normalisation import priced
from services.ranker.training.rows import ImpressionRows
from services.ranker.visitor import Visitor
from services.ranker.visits import visitor_of
from services.user_profile.messages import profile_message
from services.user_profile.model.encoder import EMBEDDING_SIZE, Encoder
from services.user_profile.model.interactions import Weighting
from services.user_profile.profile import ProfileEvent, ProfileLimits, build_profile
from tests.exported_shop import event, item_row, write_exported
from tests.small_shop import NOW, small_items
from vitrine.common.v1 import common_pb2

PEOPLE, PAGES = 6, 40
NOW_US = int(NOW.timestamp()) * 1_000_000
HOUR_US = 3_600_000_000
DEVICES = ("desktop", "tablet", "phone")


def logged_events(item_ids: list[str]) -> list[dict]:
    """Pages with clicks and purchases between them; some people open two pages at one moment, on two devices."""
    random = np.random.default_rng(8)
    rows = []
    for number in range(PAGES):
        who, at_us = f"user-{number % PEOPLE}", NOW_US - (PAGES - number // 2 * 2) * 7 * HOUR_US - 1_234_567
        page = {"page_id": f"page-{number}", "device": DEVICES[number % 3], "region": ("DE-BE", "CN")[number % 2]}
        shown = random.permutation(item_ids)[:5].tolist()
        if number % 2:
            who = rows[-1]["user_pseudonym"]
        for column, item_id in enumerate(shown):
            place = {"section_id": "popular:1", "row": 0, "column": column, "locale": "de", **page}
            rows.append(event(f"{number}-{column}", "impression", at_us, who, item_id, **place))
        rows.append(
            event(
                f"{number}-click", "click", at_us + 60_000_001, who, shown[0], section_id="s", row=0, column=0, **page
            )
        )
        rows.append(event(f"{number}-buy", "purchase", at_us + 90_000_007, who, shown[0]))
        rows.append(event(f"{number}-search", "search", at_us + 90_000_008, who, query="red dress"))
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ShopData:
    folder = tmp_path_factory.mktemp("rows")
    items = small_items()
    rows = [item_row(item.item_id, item.price_minor, item.category) for item in items]
    exported = write_exported(folder / "exported", logged_events([item.item_id for item in items]), rows)
    prepared = prepare(PrepareJob("boutique", exported, folder / "prepared", NOW_US))
    text = np.stack([item.text for item in items])
    features = RawFeatures(np.zeros((len(items), 0), np.float32), text, np.zeros(len(items), np.uint64), "", "words")
    return prepared_shop(prepared, [item.facts() for item in items], features)


@pytest.fixture(scope="module")
def parts(data: ShopData) -> ServingParts:
    random = np.random.default_rng(4)
    bands = fit_price_bands(data)
    vectors = random.standard_normal((len(data.items), 128)).astype(np.float32)
    projection = fit_text_projection(data.features.text, "words")
    content = Content(None, None, projection, vectors, np.zeros(len(data.items), np.int64))
    sizes = (len(data.items), 16, EMBEDDING_SIZE)
    layers = [
        (random.standard_normal((one, other)).astype(np.float32), random.standard_normal(other).astype(np.float32))
        for one, other in pairwise(sizes)
    ]
    encoder = Encoder(layers, "tanh", "variational", Weighting())
    return serving_parts(data, build_vocabulary(data, bands), bands, content, encoder)


def served_visitor(data: ShopData, parts: ServingParts, page: LoggedPage) -> Visitor:
    """From all events of the person, as the profile service and the ranker do it."""
    events = data.events
    own = np.flatnonzero(events.subject == page.subject).tolist()
    everything = [
        ProfileEvent(
            int(events.occurred_us[each]), int(events.action[each]), events.item_ids[each], events.queries[each]
        )
        for each in own
    ]
    limits = ProfileLimits(recent_actions=RECENT_ACTIONS)
    profile = build_profile(everything, page.occurred_us, parts.facets, parts.encoder, limits)
    visit = common_visit(data, page)
    message = profile_message(profile, 0, (), parts.encoder, RECENT_ACTIONS)
    return visitor_of(visit, message, datetime.fromtimestamp(page.occurred_us / 1e6, UTC), parts.encoder.space_id)


def common_visit(data: ShopData, page: LoggedPage) -> common_pb2.VisitContext:
    events = data.events
    return common_pb2.VisitContext(
        device=int(events.device[page.event]), region=events.region[page.event], locale=events.locale[page.event]
    )


@pytest.fixture(scope="module")
def learnt(data: ShopData, parts: ServingParts) -> tuple[list[LoggedPage], ImpressionRows, object]:
    pages = logged_pages(data.events)
    prices = priced(parts.release.vocabulary.categories, data.prices_minor)
    rows, normalisation = impression_rows(data, pages, Requests(data, parts), prices, lambda *_: None)
    return pages, rows, normalisation


def test_the_tensors_of_every_logged_page_are_those_of_serving(data: ShopData, parts: ServingParts, learnt) -> None:
    pages, rows, normalisation = learnt
    assert len(pages) == PAGES
    for number, page in enumerate(pages):
        popularity = Popularity.of(data.events, len(data.items)).before(page.occurred_us)
        release = replace(parts.release, row_popularity=popularity, normalisation=normalisation)
        facts = release.facts(parts.items, page.items.astype(np.int64), page.occurred_us / 1e6)
        wanted = request_tensors(served_visitor(data, parts, page), facts, release.vocabulary, normalisation)
        for name, tensor in rows.visitors().items():
            assert tensor[number].tobytes() == wanted[name][0].tobytes(), (number, name)
        part = slice(rows.offsets[number], rows.offsets[number + 1])
        assert rows.candidate_features[part].tobytes() == wanted["candidate_features"].tobytes(), number
        assert rows.candidate_rows[part].tolist() == wanted["candidate_rows"].tolist()


def test_two_pages_of_one_moment_keep_their_own_devices(data: ShopData, learnt) -> None:
    pages, rows, _ = learnt
    together = [
        number
        for number in range(1, len(pages))
        if (pages[number].subject, pages[number].occurred_us)
        == (pages[number - 1].subject, pages[number - 1].occurred_us)
    ]
    assert together
    for number in together:
        assert rows.devices[number] != rows.devices[number - 1]
        assert rows.context[number].tobytes() != rows.context[number - 1].tobytes()
