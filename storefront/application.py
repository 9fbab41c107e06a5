"""The web application: which path is which page."""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from storefront.console.routes import CONSOLE
from storefront.departments import Departments
from storefront.failures import Failure, RefusedError, failure_of
from storefront.language import load_languages
from storefront.rendering import STATIC_FOLDER, Renderer
from storefront.response import failed
from storefront.security import SecureHeaders
from storefront.settings import StorefrontSettings
from storefront.signing import Signer
from storefront.upstreams import connect
from storefront.views import (
    actions,
    basket,
    category,
    clicks,
    collections,
    favourites,
    home,
    impressions,
    item,
    preferences,
    privacy,
    ratings,
    search,
)
from storefront.views.media import Media
from storefront.views.pictures import Pictures, show_drawn
from storefront.visit import Premises, Visit, open_visit

logger = logging.getLogger(__name__)

Handler = Callable[[Visit], Awaitable[Response]]

READ: dict[str, Handler] = {
    "/": home.show,
    "/items/{item_id:path}": item.show,
    "/categories/{path:path}": category.show,
    "/category/{path:path}": category.show,
    "/brands/{brand:path}": collections.show_brand,
    "/brand/{brand:path}": collections.show_brand,
    "/new": collections.show_new,
    "/deals": collections.show_deals,
    "/search": search.show,
    "/basket": basket.show,
    "/favourites": favourites.show,
    "/preferences": preferences.show,
    "/privacy": privacy.show,
    "/privacy/export": privacy.export,
    "/privacy/delete": privacy.ask_deletion,
    "/go": clicks.follow,
}
CHANGE: dict[str, Handler] = {
    "/act": actions.act,
    "/rate": ratings.rate,
    "/basket": basket.change,
    "/buy": basket.buy,
    "/preferences": preferences.change,
    "/sign-in": preferences.sign_in,
    "/privacy": privacy.change,
    "/privacy/delete": privacy.delete,
}


class HashedFiles(StaticFiles):
    """Static files whose address names their content, so that browsers keep them for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file."""
        response = await super().get_response(path, scope)
        if b"v=" in scope["query_string"]:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def create_application(settings: StorefrontSettings) -> Starlette:
    """Build the application. Channels are opened when it starts and closed when it ends."""

    @contextlib.asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        upstreams = connect(settings)
        departments = Departments(upstreams)
        application.state.premises = Premises(
            settings=settings,
            upstreams=upstreams,
            signer=Signer(settings.cookie_secret.get_secret_value()),
            languages=load_languages(),
            renderer=Renderer(),
            departments=departments,
            users=settings.offered_users(),
        )
        application.state.pictures = Pictures(upstreams, settings.shops)
        for shop_id in settings.shops:
            departments.begin(shop_id)
        try:
            yield
        finally:
            await departments.close()
            await upstreams.close()

    shop_routes = _routes(settings)
    return Starlette(
        routes=[
            Route("/healthz", _health),
            Route("/images/{shop_id}/{item_id:path}/{index:int}", _picture),
            Route("/media/{shop_id}/{path:path}", Media(settings).show),
            Route("/drawn/{seed:path}", show_drawn),
            Mount("/static", HashedFiles(directory=STATIC_FOLDER)),
            *shop_routes,
            Mount("/shops/{shop_id}", routes=shop_routes),
        ],
        middleware=[Middleware(SecureHeaders), Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers={HTTPException: _unrouted},
        lifespan=lifespan,
    )


def _routes(settings: StorefrontSettings) -> list[BaseRoute]:
    console = CONSOLE if settings.console_enabled else {}
    pages = {("GET", path): handler for path, handler in READ.items()}
    pages |= {("POST", path): handler for path, handler in CHANGE.items()}
    routes: list[BaseRoute] = [
        Route(path, _endpoint(handler), methods=[method]) for (method, path), handler in {**pages, **console}.items()
    ]
    return [*routes, Route("/seen", _endpoint(impressions.receive, form=False), methods=["POST"])]


def _endpoint(handler: Handler, form: bool = True) -> Callable[[Request], Awaitable[Response]]:
    """Open the visit, check forms, answer failures with their designed page, write cookies."""

    async def answer(request: Request) -> Response:
        try:
            visit = open_visit(request, request.app.state.premises)
        except RefusedError as refusal:
            return PlainTextResponse(refusal.detail, refusal.status)
        response = await _handled(handler, visit, form and request.method == "POST")
        visit.save(response)
        return response

    return answer


async def _handled(handler: Handler, visit: Visit, form: bool) -> Response:
    try:
        if form:
            await visit.read_form()
        return await handler(visit)
    except RefusedError as refusal:
        return await failed(visit, refusal.status, refusal.detail)
    except grpc.aio.AioRpcError as error:
        failure = failure_of(error)
        _log(visit, failure)
        return await failed(visit, failure.http_status, failure=failure)
    except Exception:
        logger.exception("%s %s failed", visit.request.method, visit.request.url.path)
        return await failed(visit, 500)


def _log(visit: Visit, failure: Failure) -> None:
    logger.warning(
        "%s %s: %s %s %s",
        visit.request.method,
        visit.request.url.path,
        failure.code.name,
        failure.reason,
        failure.message,
    )


async def _unrouted(request: Request, error: Exception) -> Response:
    """The designed page for paths and methods that nothing answers."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    try:
        visit = open_visit(request, request.app.state.premises)
    except RefusedError as refusal:
        return PlainTextResponse(refusal.detail, refusal.status)
    response = await failed(visit, status)
    visit.save(response)
    return response


async def _health(request: Request) -> Response:
    """200 while the process serves; what is behind it degrades pages, not this."""
    return PlainTextResponse("serving\n", headers={"cache-control": "no-store"})


async def _picture(request: Request) -> Response:
    pictures: Pictures = request.app.state.pictures
    return await pictures.show(request)
