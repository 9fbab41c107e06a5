"""One request: the shop it is for, who makes it, and what is remembered afterwards."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storefront import remembered, tickets
from storefront.departments import Departments
from storefront.failures import RefusedError
from storefront.language import Language, choose
from storefront.rendering import Renderer
from storefront.settings import StorefrontSettings
from storefront.signing import BadSignatureError, Signer
from storefront.tickets import Ticket
from storefront.upstreams import Upstreams
from storefront.visitor import DEVICES, Visitor, from_cookie, guessed_device
from vitrine.common.v1 import common_pb2

COOKIE_DAYS = 180


@dataclass(frozen=True)
class Shop:
    """One shop of this deployment."""

    shop_id: str
    name: str
    prefix: str
    """Path in front of all of its paths; empty for the shop at the root."""


@dataclass(frozen=True)
class Premises:
    """What all requests share."""

    settings: StorefrontSettings
    upstreams: Upstreams
    signer: Signer
    languages: dict[str, Language]
    renderer: Renderer
    departments: Departments
    users: tuple[str, ...]


@dataclass
class Visit:
    """One request, opened from its cookies; cookies that change are written with the response."""

    request: Request
    premises: Premises
    shop: Shop
    visitor: Visitor
    language: Language
    now: datetime
    request_id: str = field(default_factory=lambda: "w-" + secrets.token_urlsafe(12))
    form: FormData = field(default_factory=FormData)
    _written: dict[str, Any] = field(default_factory=dict)
    _frozen: bool = False

    @property
    def upstreams(self) -> Upstreams:
        """The four services."""
        return self.premises.upstreams

    @property
    def device(self) -> str:
        """The device the page is laid out for."""
        return self.visitor.device or guessed_device(self.request.headers.get("user-agent", ""))

    def context(self, page: str = "home") -> common_pb2.VisitContext:
        """The visit as the services know it."""
        return common_pb2.VisitContext(
            user_id=self.visitor.user_id,
            session_id=self.visitor.session_id,
            channel="web",
            locale=self.language.tag,
            region=self.visitor.region,
            device=DEVICES[self.device],
            page=page,
            referrer=self.request.headers.get("referer", "")[:2_048],
        )

    def href(self, path: str) -> str:
        """A path of this shop as the browser asks for it."""
        return self.shop.prefix + path if path.startswith("/") else path

    # --- what the browser remembers

    def recall(self, name: str) -> Any:
        """A cookie's value as this request leaves it; None when there is none that we signed."""
        if name in self._written:
            return self._written[name]
        text = self.request.cookies.get(self._cookie(name))
        try:
            return self.premises.signer.open(self._cookie(name), text) if text else None
        except BadSignatureError:
            return None

    def remember(self, name: str, value: Any) -> None:
        """Write a cookie with the response; None deletes it."""
        self._written[name] = value

    def become(self, visitor: Visitor) -> None:
        """Go on as a changed visitor."""
        self.visitor = visitor
        self.remember("visitor", vars(visitor))

    def notice(self, message: str, **details: str) -> None:
        """Show a message on the next page."""
        self.remember("notice", {"message": message, **details})

    @property
    def basket(self) -> remembered.Basket:
        """What is in the basket."""
        return remembered.basket_from(self.recall("basket"))

    def saved(self, kind: str) -> tuple[str, ...]:
        """Items marked as "favourite" or "like", newest first."""
        return remembered.ids_from(self.recall(kind))

    @property
    def profile_version(self) -> int:
        """The version the visitor's profile has with everything they did here; 0 when unknown."""
        value = self.recall("version")
        if isinstance(value, list) and len(value) == 2 and value[0] == self.visitor.subject_id:
            return int(value[1])
        return 0

    def saw_version(self, version: int) -> None:
        """Remember that the profile has come at least this far."""
        if version > self.profile_version:
            self.remember("version", [self.visitor.subject_id, version])

    # --- forms and answers

    def ticket(self, text: str) -> Ticket:
        """The ticket of a form or link. Raises: RefusedError (400)."""
        try:
            return tickets.read(text, self.premises.signer)
        except BadSignatureError:
            raise RefusedError(400, "this link or form was not made by the shop, or is broken") from None

    async def read_form(self) -> None:
        """Read the posted form. Raises: RefusedError (403) when it does not come from a page of this session."""
        self.form = await self.request.form(max_files=0, max_fields=200)
        self.check_origin(self.value("csrf"))

    def check_origin(self, form_token: str) -> None:
        """Raises: RefusedError (403) when a change is not asked for by a page of this session."""
        if self.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise RefusedError(403, "asked for by another site")
        if not self.premises.signer.check_form_token(form_token, self.visitor.session_id):
            raise RefusedError(403, "the form is not of this session")

    def value(self, name: str) -> str:
        """A text field of the form; empty when it is missing."""
        found = self.form.get(name, "")
        return found.strip() if isinstance(found, str) else ""

    def back(self, default: str = "/") -> RedirectResponse:
        """Return to the page that a form came from."""
        wanted = tickets.local_path(self.value("return"))
        return RedirectResponse(wanted or self.href(default), status_code=303)

    def leave_cookies(self) -> None:
        """Leave the browser's cookies as they are."""
        self._frozen = True

    def save(self, response: Response) -> None:
        """Write the cookies that changed."""
        if self._frozen:
            return
        if self.recall("visitor") is None:
            self.become(self.visitor)
        for name, value in self._written.items():
            key = self._cookie(name)
            if value is None:
                response.delete_cookie(key)
                continue
            response.set_cookie(
                key,
                self.premises.signer.seal(key, value),
                max_age=COOKIE_DAYS * 86_400,
                httponly=True,
                samesite="lax",
                secure=self.premises.settings.secure_cookies,
            )

    def _cookie(self, name: str) -> str:
        return f"vitrine_{self.shop.shop_id}_{name}"


def open_visit(request: Request, premises: Premises) -> Visit:
    """Open the visit of a request. Raises: RefusedError (404) when its shop is not shown here."""
    settings = premises.settings
    named = request.path_params.get("shop_id", "")
    shop_id = named or settings.shops[0]
    if shop_id not in settings.shops:
        raise RefusedError(404, "there is no such shop here")
    shop = Shop(
        shop_id=shop_id,
        name=settings.shop_names.get(shop_id, shop_id.replace("_", " ").replace("-", " ").title()),
        prefix=f"/shops/{shop_id}" if named else "",
    )
    fallback = premises.languages["en"]
    visit = Visit(request, premises, shop, Visitor(""), fallback, datetime.now(UTC))
    visit.visitor = from_cookie(visit.recall("visitor"))
    visit.language = choose(premises.languages, visit.visitor.locale, request.headers.get("accept-language", ""))
    return visit
