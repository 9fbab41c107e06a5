"""The application over services that are written by hand."""

from types import SimpleNamespace

import httpx
import pytest

from storefront.application import create_application
from storefront.departments import Departments
from storefront.language import load_languages
from storefront.rendering import Renderer
from storefront.settings import StorefrontSettings
from storefront.signing import Signer
from storefront.views.pictures import Pictures
from storefront.visit import Premises
from tests.unit.storefront.visiting import SECRET, Services

LANGUAGES = load_languages()
RENDERER = Renderer()


@pytest.fixture
def services():
    return Services()


@pytest.fixture
def client(services):
    settings = StorefrontSettings(cookie_secret=SECRET, shops=("boutique", "apparel"), demo_users=("ana",))
    upstreams = SimpleNamespace(
        profiles=services,
        catalogue=services,
        vision=services,
        ranker=services,
        composer=services,
        merchandising=services,
    )
    application = create_application(settings)
    application.state.premises = Premises(
        settings=settings,
        upstreams=upstreams,
        signer=Signer(SECRET),
        languages=LANGUAGES,
        renderer=RENDERER,
        departments=Departments(upstreams),
        users=settings.offered_users(),
    )
    application.state.pictures = Pictures(upstreams, settings.shops)
    # The lifespan is not run: it would open channels of its own.
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test")
