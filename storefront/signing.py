"""What visitors carry for us and must not change: cookies, forms and click links under a keyed signature."""

import base64
import binascii
import hmac
import json
import secrets
from typing import Any

SIGNATURE_BYTES = 16
SALT_BYTES = 6


class BadSignatureError(ValueError):
    """The text was not signed by us for this purpose, or was changed."""


class Signer:
    """Signs small JSON values; each purpose has a key of its own, so a form's value is no cookie."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def seal(self, purpose: str, value: Any) -> str:
        """Return value as URL-safe text that `open` reads back."""
        payload = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return _encode(self._signature(purpose, payload) + payload)

    def open(self, purpose: str, text: str) -> Any:
        """Return what was sealed for this purpose. Raises: BadSignatureError."""
        raw = _decode(text)
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not payload or not hmac.compare_digest(signature, self._signature(purpose, payload)):
            raise BadSignatureError(f"not signed for {purpose}")
        return json.loads(payload)

    def form_token(self, session_id: str) -> str:
        """Return a token that proves a form came from a page of this session.

        Salted anew each time, so that compressed pages do not give it away piece by piece.
        """
        salt = secrets.token_bytes(SALT_BYTES)
        return _encode(salt + self._signature("form", salt + session_id.encode()))

    def check_form_token(self, token: str, session_id: str) -> bool:
        """Whether the token was made for this session."""
        try:
            raw = _decode(token)
        except BadSignatureError:
            return False
        salt, signature = raw[:SALT_BYTES], raw[SALT_BYTES:]
        return hmac.compare_digest(signature, self._signature("form", salt + session_id.encode()))

    def _signature(self, purpose: str, payload: bytes) -> bytes:
        key = hmac.digest(self._secret, purpose.encode(), "sha256")
        return hmac.digest(key, payload, "sha256")[:SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadSignatureError("not base64url") from None
