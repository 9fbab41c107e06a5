"""Who may use the console: whoever knows its password, where one is set."""

import base64
import binascii
import hmac

from starlette.responses import PlainTextResponse, Response

from storefront.visit import Visit

USER_NAME = "merchandiser"


def challenge(visit: Visit) -> Response | None:
    """The answer to a visitor who may not use the console; None for one who may."""
    password = visit.premises.settings.console_password
    if password is None:
        return None
    if allowed(visit.request.headers.get("authorization", ""), password.get_secret_value()):
        return None
    headers = {"www-authenticate": 'Basic realm="console", charset="UTF-8"'}
    return PlainTextResponse("the console asks for its password\n", 401, headers)


def allowed(authorization: str, password: str) -> bool:
    """Whether an Authorization header holds the console's user name and password."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{USER_NAME}:{password}".encode())
