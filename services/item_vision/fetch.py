"""Pictures from bytes, files and addresses. An address is untrusted: it must not lead into our own network.

The host is resolved here and the connection made to the very address that was judged, so that a second answer of the
name server cannot redirect it; redirects are followed by hand, each judged anew.
"""

import asyncio
import ipaddress
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from services.item_vision.model.pictures import PictureError
from vitrine.item_vision.v1 import item_vision_pb2

MAXIMUM_BYTES: Final = 10 * 2**20
MAXIMUM_REDIRECTS: Final = 3
ADDRESS_REFUSED: Final = "PICTURE_ADDRESS_REFUSED"
UNREADABLE: Final = "PICTURE_UNREADABLE"
TOO_LARGE: Final = "PICTURE_TOO_LARGE"


class PictureFetcher:
    """Gets the bytes of pictures. One a process; close it at the end."""

    def __init__(self, folders: dict[str, Path], timeout_s: float) -> None:
        self._folders = {shop_id: folder.resolve() for shop_id, folder in folders.items()}
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def fetch(self, shop_id: str, picture: item_vision_pb2.Picture) -> bytes:
        """The encoded picture. Raises: PictureError with a stable reason and a remedy."""
        source = picture.WhichOneof("source")
        if source == "content":
            return picture.content
        if source == "path":
            return await asyncio.to_thread(self._read, shop_id, picture.path)
        if source == "url":
            return await self._download(picture.url)
        raise PictureError(UNREADABLE, "send content, url or path")

    def _read(self, shop_id: str, relative: str) -> bytes:
        folder = self._folders.get(shop_id)
        if folder is None:
            raise PictureError(
                ADDRESS_REFUSED, f"no picture folder is configured for shop {shop_id}; send content or url"
            )
        if "\x00" in relative:
            raise PictureError(ADDRESS_REFUSED, "send a path without NUL")
        path = (folder / relative.lstrip("/")).resolve()
        if not path.is_relative_to(folder):
            raise PictureError(ADDRESS_REFUSED, "send a path inside the shop's picture folder")
        if not path.is_file():
            raise PictureError(UNREADABLE, f"there is no file {relative} in the shop's picture folder")
        if path.stat().st_size > MAXIMUM_BYTES:
            raise PictureError(TOO_LARGE, "send a picture of at most 10 MiB")
        return path.read_bytes()

    async def _download(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(MAXIMUM_REDIRECTS + 1):
                    answer = await self._get(url)
                    if isinstance(answer, bytes):
                        return answer
                    url = urljoin(url, answer)
        except TimeoutError:
            raise PictureError(UNREADABLE, f"the address did not answer within {self._timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise PictureError(UNREADABLE, f"the address cannot be read: {type(error).__name__}") from error
        raise PictureError(ADDRESS_REFUSED, f"the address redirects more than {MAXIMUM_REDIRECTS} times")

    async def _get(self, url: str) -> bytes | str:
        """The picture, or where the address redirects to."""
        host, pinned = await public_address(url)
        parts = urlsplit(url)
        request = self._client.build_request(
            "GET",
            parts._replace(netloc=_netloc(pinned, parts.port)).geturl(),
            headers={"Host": parts.netloc.rpartition("@")[2], "Accept": "image/*", "Accept-Encoding": "identity"},
            extensions={"sni_hostname": host},
        )
        response = await self._client.send(request, stream=True)
        try:
            if response.is_redirect:
                return str(response.headers.get("location", ""))
            if response.status_code != httpx.codes.OK:
                raise PictureError(UNREADABLE, f"the address answered {response.status_code}")
            content = bytearray()
            # Raw: a compressed answer, which we did not ask for, would swell past the limit before it is counted.
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAXIMUM_BYTES:
                    raise PictureError(TOO_LARGE, "send a picture of at most 10 MiB")
            return bytes(content)
        finally:
            await response.aclose()


async def public_address(url: str) -> tuple[str, str]:
    """Host and one public IP address of a URL. Raises: PictureError (PICTURE_ADDRESS_REFUSED) when there is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise PictureError(ADDRESS_REFUSED, "send a well-formed http or https address") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise PictureError(ADDRESS_REFUSED, "send an http or https address without user and password")
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PictureError(ADDRESS_REFUSED, f"the host {host} cannot be found") from None
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(_is_public(address) for address in addresses):
        raise PictureError(ADDRESS_REFUSED, "addresses of private, loopback or link-local networks are refused")
    return host, addresses[0]


def _is_public(address: str) -> bool:
    number = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None)
    return number.is_global and not number.is_multicast and (mapped is None or mapped.is_global)


def _netloc(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port is None else f"{host}:{port}"
