"""Pictures by path and address: what is read, and what is refused before anything is connected to."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.item_vision import fetch
from services.item_vision.fetch import PictureFetcher, public_address
from services.item_vision.model.pictures import PictureError
from vitrine.item_vision.v1 import item_vision_pb2 as pb

OPEN, CLOSED = "127.0.0.1", "127.0.0.2"
"""In these tests the first stands for a public address, the second for a private one."""


@pytest.fixture
def open_loopback(monkeypatch):
    monkeypatch.setattr(fetch, "_is_public", lambda address: address == OPEN)


@asynccontextmanager
async def web_server(answers: dict[str, bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers raw bytes by path; yields its address and the requests it received."""
    received: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        received.append(head)
        writer.write(answers[head.split()[1]])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, OPEN, 0)
    async with server:
        yield f"http://{OPEN}:{server.sockets[0].getsockname()[1]}", received


def ok(content: bytes, extra: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n{extra}\r\n".encode() + content


def redirect(target: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


async def fetched(url: str, timeout_s: float = 5.0) -> bytes:
    fetcher = PictureFetcher({}, timeout_s)
    try:
        return await fetcher.fetch("boutique", pb.Picture(url=url))
    finally:
        await fetcher.close()


async def refusal(url: str, **options: float) -> str:
    with pytest.raises(PictureError) as caught:
        await fetched(url, **options)
    return caught.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.jpg",
        "http://127.1/a.jpg",
        "http://2130706433/a.jpg",
        "http://localhost:7101/a.jpg",
        "http://0.0.0.0/a.jpg",
        "http://10.1.2.3/a.jpg",
        "http://192.168.0.1/a.jpg",
        "http://172.16.0.1/a.jpg",
        "http://100.64.0.1/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://224.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://[::ffff:127.0.0.1]/a.jpg",
        "http://[fe80::1]/a.jpg",
        "http://[fd00::1]/a.jpg",
        "http://[2002:7f00:1::]/a.jpg",
        "http://user:secret@8.8.8.8/a.jpg",
        "http://8.8.8.8:99999/a.jpg",
        "http://[::1/a.jpg",
        "ftp://8.8.8.8/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "gopher://8.8.8.8/",
        "//8.8.8.8/a.jpg",
        "",
    ],
)
async def test_an_address_that_is_not_public_http_is_refused(url):
    assert await refusal(url or " ") == "PICTURE_ADDRESS_REFUSED"


async def test_a_public_address_is_let_through():
    assert await public_address("https://8.8.8.8/a.jpg") == ("8.8.8.8", "8.8.8.8")


async def test_a_host_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    async def resolve(*_: object, **__: object):
        return [(socket.AF_INET, 0, 0, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
    with pytest.raises(PictureError, match="private"):
        await public_address("http://shop.example/a.jpg")


async def test_a_picture_is_downloaded_from_the_address_that_was_judged(open_loopback):
    async with web_server({"/hat.jpg?size=2": ok(b"picture")}) as (address, received):
        assert await fetched(f"{address}/hat.jpg?size=2") == b"picture"
    assert f"host: {address.removeprefix('http://')}" in received[0].lower()
    assert "accept-encoding: identity" in received[0].lower()


async def test_redirects_are_followed_and_each_is_judged(open_loopback):
    answers = {"/a": redirect("/b"), "/b": ok(b"picture"), "/inward": redirect(f"http://{CLOSED}/secret")}
    async with web_server(answers) as (address, received):
        assert await fetched(f"{address}/a") == b"picture"
        assert await refusal(f"{address}/inward") == "PICTURE_ADDRESS_REFUSED"
    assert len(received) == 3


async def test_redirects_without_end_are_refused(open_loopback):
    async with web_server({"/a": redirect("/a")}) as (address, received):
        assert await refusal(f"{address}/a") == "PICTURE_ADDRESS_REFUSED"
    assert len(received) == 4


async def test_a_large_answer_is_cut_off_whatever_its_header_says(open_loopback):
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + bytes(11 * 2**20)
    async with web_server({"/a": endless}) as (address, _):
        assert await refusal(f"{address}/a") == "PICTURE_TOO_LARGE"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"nonsense\r\n\r\n"])
async def test_an_answer_without_a_picture_is_unreadable(open_loopback, answer):
    async with web_server({"/a": answer}) as (address, _):
        assert await refusal(f"{address}/a") == "PICTURE_UNREADABLE"


async def test_a_server_that_never_answers_is_given_up(open_loopback):
    async with web_server({"/a": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"}) as (address, _):
        assert await refusal(f"{address}/a", timeout_s=0.2) == "PICTURE_UNREADABLE"


async def test_paths_lead_into_the_shops_folder_and_nowhere_else(tmp_path):
    inside, outside = tmp_path / "boutique", tmp_path / "secret.jpg"
    inside.mkdir()
    outside.write_bytes(b"secret")
    (inside / "hat.jpg").write_bytes(b"hat")
    (inside / "link.jpg").symlink_to(outside)
    fetcher = PictureFetcher({"boutique": inside}, 1.0)

    async def reason(shop_id: str, path: str) -> str:
        with pytest.raises(PictureError) as caught:
            await fetcher.fetch(shop_id, pb.Picture(path=path))
        return caught.value.reason

    assert await fetcher.fetch("boutique", pb.Picture(path="hat.jpg")) == b"hat"
    assert await fetcher.fetch("boutique", pb.Picture(path="/hat.jpg")) == b"hat"
    for path in ("../secret.jpg", "link.jpg", "/../secret.jpg", "a\x00b"):
        assert await reason("boutique", path) == "PICTURE_ADDRESS_REFUSED"
    assert await reason("boutique", "none.jpg") == "PICTURE_UNREADABLE"
    assert await reason("boutique", "") == "PICTURE_UNREADABLE"
    assert await reason("other", "hat.jpg") == "PICTURE_ADDRESS_REFUSED"
    await fetcher.close()
