"""Widths, the cache, drawn pictures and files of the shop, and what is answered of them."""

import xml.etree.ElementTree as ElementTree

import pytest

from storefront.placeholder import placeholder
from storefront.rendering import picture_path, static_path
from storefront.views.media import picture_file
from storefront.views.pictures import PictureCache, StoredPicture, width_for


@pytest.mark.parametrize(
    ("text", "width"), [("", 960), ("1", 160), ("320", 320), ("321", 480), ("9999", 960), ("-5", 960), ("x", 960)]
)
def test_widths_are_rounded_up_to_a_few(text, width):
    assert width_for(text) == width


def test_the_cache_lets_the_longest_unasked_go():
    cache = PictureCache(capacity=25)
    keys = [("shop", name, 0, 320, "v") for name in "abc"]
    cache.put(keys[0], StoredPicture(b"0" * 10, "image/jpeg", "e"))
    cache.put(keys[1], StoredPicture(b"1" * 10, "image/jpeg", "e"))
    assert cache.get(keys[0]) is not None
    cache.put(keys[2], StoredPicture(b"2" * 10, "image/jpeg", "e"))
    assert cache.get(keys[1]) is None
    assert cache.get(keys[0]) is not None
    cache.put(keys[0], StoredPicture(b"0" * 12, "image/jpeg", "e"))
    assert cache.get(keys[2]) is not None


def test_a_drawn_picture_is_the_same_for_the_same_id_and_holds_nothing_of_it():
    hostile = "<script>alert(1)</script>"
    assert placeholder(hostile) == placeholder(hostile)
    assert placeholder("a") != placeholder("b")
    assert "script" not in placeholder(hostile)
    assert ElementTree.fromstring(placeholder("a")).attrib["width"] == "480"


def test_only_pictures_below_the_folder_are_shown(tmp_path):
    folder = tmp_path / "shop"
    (folder / "banners").mkdir(parents=True)
    (folder / "banners" / "a.jpg").write_bytes(b"x")
    (folder / "items.jsonl").write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    assert picture_file(folder, "banners/a.jpg") == (folder / "banners" / "a.jpg").resolve()
    for path in ("../secret.jpg", "banners/../../secret.jpg", "items.jsonl", "banners/none.jpg", "banners"):
        assert picture_file(folder, path) is None


def test_paths_quote_what_an_id_holds():
    assert picture_path("boutique", 'a/b"<', 0, 320, "e&1") == "/images/boutique/a%2Fb%22%3C/0?w=320&v=e%261"
    assert static_path("shop.css").startswith("/static/shop.css?v=")


async def test_pictures_are_cached_and_known_ones_not_sent_again(client, services):
    address = "/images/boutique/item-1/0?w=300&v=e1"
    first = await client.get(address)
    assert (first.content, first.headers["content-type"]) == (b"jpeg", "image/jpeg")
    assert "immutable" in first.headers["cache-control"]
    again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert services.image_calls == 1


@pytest.mark.parametrize("item_id", ["none", "svg", "a%2Fb"])
async def test_what_has_no_picture_to_show_gets_a_drawn_one(client, item_id):
    answer = await client.get(f"/images/boutique/{item_id}/0?w=320")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (await client.get("/images/unknown/item-1/0")).status_code == 404
