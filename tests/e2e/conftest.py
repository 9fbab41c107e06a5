"""A browser, and a storefront to open in it."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import find_chromium

STOREFRONT_VARIABLE = "VITRINE_STOREFRONT_URL"
"""Address of a running storefront to test instead of the shop window."""
CHROMIUM_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
START_SECONDS = 60
EXPECT_MS = 30_000
"""How long a page may take to show what is expected; only a slow machine needs more than a moment."""
SHOP_WINDOW = Path(__file__).parent / "shop_window"


@pytest.fixture(scope="session")
def storefront_url() -> Iterator[str]:
    """Address of the storefront: the one named in the environment, else the shop window in a process of its own."""
    named = os.environ.get(STOREFRONT_VARIABLE, "")
    if named:
        yield named.rstrip("/")
        return
    process = subprocess.Popen([sys.executable, str(SHOP_WINDOW)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        address = process.stdout.readline().strip() if ready else ""
        assert address.startswith("http://"), "the shop window did not start"
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="session")
def made_up(storefront_url: str) -> bool:
    """Whether the storefront is the shop window, whose items and special users are known."""
    return not os.environ.get(STOREFRONT_VARIABLE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one module: while Playwright is open its event loop runs, and no other can."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_ARGUMENTS))
        expect.set_options(timeout=EXPECT_MS)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, storefront_url: str) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=storefront_url, viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield made
    made.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console and scripts complained about."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    opened = context.new_page()

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    return opened
