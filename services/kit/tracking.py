"""Signed tracking tokens: they prove that a slot on a page was ours, and which."""

import base64
import binascii
import hmac
from functools import cache

from google.protobuf.message import DecodeError

from services.kit.errors import InvalidRequest
from vitrine.common.v1 import common_pb2

SIGNATURE_BYTES = 16
MAX_TOKEN_CHARS = 2_048
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class TrackingTokenError(Exception):
    """A token that must not be believed; `problem` is one of malformed, forged, other_shop."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message

    def as_invalid(self, field: str) -> InvalidRequest:
        """Say it as a violation of the request field that held the token."""
        return InvalidRequest.of(field, self.message)


def issue(claims: common_pb2.TrackingClaims, key: bytes) -> str:
    """Sign claims: base64url without padding over the serialised claims and the first 16 bytes of their HMAC-
    SHA256.

    Raises: ValueError when the claims are so long that `read` would refuse the token.
    """
    payload = claims.SerializeToString()  # always the same bytes: there is no map in it
    encoded = binascii.b2a_base64(payload + _signature(payload, key), newline=False)
    token = encoded.translate(_URL_SAFE, b"=").decode("ascii")
    if len(token) > MAX_TOKEN_CHARS:
        raise ValueError(f"the claims make a token of {len(token)} characters; {MAX_TOKEN_CHARS} is the limit")
    return token


def read(token: str, key: bytes, shop_id: str) -> common_pb2.TrackingClaims:
    """Return the claims of a token that was issued with this key for this shop.

    Raises: TrackingTokenError.
    """
    payload, signature = _unpacked(token)
    if not hmac.compare_digest(signature, _signature(payload, key)):
        raise TrackingTokenError(
            "forged", "the signature does not match; send tokens exactly as ComposePage returned them"
        )
    try:
        claims = common_pb2.TrackingClaims.FromString(payload)
    except DecodeError:
        raise TrackingTokenError("malformed", "the token is signed but cannot be read") from None
    if claims.shop_id != shop_id:
        raise TrackingTokenError("other_shop", "the token was issued to another shop than shop_id names")
    return claims


def _unpacked(token: str) -> tuple[bytes, bytes]:
    if len(token) > MAX_TOKEN_CHARS:
        raise TrackingTokenError("malformed", f"a token has at most {MAX_TOKEN_CHARS} characters")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TrackingTokenError("malformed", "not a tracking token: it is not base64url without padding") from None
    # Base64 has several spellings of the same bytes; only the one that issue() writes is a token.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != token:
        raise TrackingTokenError("malformed", "not a tracking token: not the canonical base64url spelling")
    if len(raw) <= SIGNATURE_BYTES:
        raise TrackingTokenError("malformed", "not a tracking token: too short")
    return raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]


def _signature(payload: bytes, key: bytes) -> bytes:
    signing = _keyed(key).copy()
    signing.update(payload)
    return signing.digest()[:SIGNATURE_BYTES]


@cache
def _keyed(key: bytes) -> hmac.HMAC:
    """The state that every signature with a key begins with; a page signs a hundred times."""
    return hmac.new(key, digestmod="sha256")
