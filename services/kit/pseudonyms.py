"""Keyed pseudonyms: what is stored in place of the shop's user and session ids."""

import hmac

PSEUDONYM_BYTES = 16
MINIMUM_SECRET_BYTES = 16


class Pseudonyms:
    """Turns ids into 16-byte pseudonyms, one key a shop, all derived from one secret.

    The same id in two shops, or as user and as session, gives unrelated pseudonyms. Without the secret an id
    can neither be recovered nor tested. Keys are derived as in the expand step of HKDF (RFC 5869) with the
    shop as its info.
    """

    def __init__(self, secret: str | bytes) -> None:
        self._secret = secret.encode() if isinstance(secret, str) else secret
        if len(self._secret) < MINIMUM_SECRET_BYTES:
            raise ValueError(f"the pseudonym secret needs at least {MINIMUM_SECRET_BYTES} bytes")
        self._keys: dict[str, bytes] = {}

    def user(self, shop_id: str, user_id: str) -> bytes:
        """Return the pseudonym of a signed-in user."""
        return self._pseudonym(shop_id, b"user", user_id)

    def session(self, shop_id: str, session_id: str) -> bytes:
        """Return the pseudonym of a browser or app session."""
        return self._pseudonym(shop_id, b"session", session_id)

    def _pseudonym(self, shop_id: str, kind: bytes, identifier: str) -> bytes:
        digest = hmac.digest(self._shop_key(shop_id), kind + b"\x00" + identifier.encode(), "sha256")
        return digest[:PSEUDONYM_BYTES]

    def _shop_key(self, shop_id: str) -> bytes:
        key = self._keys.get(shop_id)
        if key is None:
            info = b"vitrine pseudonym\x00" + shop_id.encode() + b"\x01"
            key = self._keys[shop_id] = hmac.digest(self._secret, info, "sha256")
        return key
