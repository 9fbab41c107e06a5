import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lab.boutique.departments import CATEGORIES
from lab.boutique.drawing.banners import HEIGHT, WIDTH, banner
from lab.boutique.drawing.fabric import PATTERNS
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.pictures import MAX_BYTES, SILHOUETTES, draw, encoded, reshot
from lab.boutique.families import PATTERN_NAMES

LOOK = Look("dress", (192, 57, 47), (249, 239, 228), (42, 45, 69), "floral", 0.1, 0.1, 0.1, 3)


def difference(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(np.asarray(first, float) - np.asarray(second, float)).mean())


@pytest.mark.parametrize("silhouette", sorted(SILHOUETTES))
@pytest.mark.parametrize("extreme", [-1.0, 1.0])
def test_every_silhouette_is_a_small_square_picture_at_the_extremes_of_style(silhouette: str, extreme: float) -> None:
    look = replace(LOOK, silhouette=silhouette, ornament=extreme, mood=extreme, cut=extreme)
    content = encoded(draw(look))
    assert len(content) <= MAX_BYTES
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (192, 192)
        assert np.asarray(picture.convert("RGB")).std() > 10


def test_equal_looks_give_equal_pictures() -> None:
    assert encoded(draw(LOOK)) == encoded(draw(replace(LOOK)))


@pytest.mark.parametrize("axis", ["ornament", "mood", "cut"])
def test_each_hidden_style_axis_shows_in_every_silhouette(axis: str) -> None:
    for silhouette in SILHOUETTES:
        low = draw(replace(LOOK, silhouette=silhouette, **{axis: -0.9}))
        high = draw(replace(LOOK, silhouette=silhouette, **{axis: 0.9}))
        assert difference(low, high) > 1.0, silhouette


def test_every_pattern_looks_different() -> None:
    pictures = [draw(replace(LOOK, silhouette="cushion", pattern=pattern)) for pattern in PATTERNS]
    gaps = [difference(a, b) for k, a in enumerate(pictures) for b in pictures[k + 1 :]]
    assert min(gaps) > 4.0


def test_a_reshot_picture_is_another_file_of_nearly_the_same_picture() -> None:
    original = draw(LOOK)
    again = Image.open(io.BytesIO(reshot(original, 9))).convert("RGB")
    other = draw(replace(LOOK, shape_seed=4, pattern="plain"))
    small = [picture.resize((8, 8)) for picture in (original, again, other)]
    assert 0 < difference(small[0], small[1]) < 0.6 * difference(small[0], small[2])


def test_every_category_and_pattern_of_the_catalogue_can_be_drawn() -> None:
    assert {category.silhouette for category in CATEGORIES} == set(SILHOUETTES)
    assert set(PATTERN_NAMES) == set(PATTERNS)


def test_a_banner_is_wide_and_shows_its_products() -> None:
    empty, full = (banner(looks, ("#dfe7ee", "#b7cbdc")) for looks in ([], [LOOK, LOOK, LOOK]))
    assert full.size == (WIDTH, HEIGHT)
    changed = np.abs(np.asarray(empty, float) - np.asarray(full, float)).sum(axis=2) > 30
    assert changed[:, 450:].mean() > 0.3
    assert not changed[:, :400].any()
