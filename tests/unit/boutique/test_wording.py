from dataclasses import replace

import numpy as np
import pytest

from lab.boutique.departments import CATEGORIES
from lab.boutique.families import PATTERN_NAMES
from lab.boutique.palette import ACCENTS, COLOUR_NAMES
from lab.boutique.wording.items import Said, descriptions, titles
from lab.boutique.wording.people import comment, query, review
from lab.boutique.wording.vocabulary import COLOURS, LANGUAGES, MATERIALS, NOUNS, PATTERNS

SAID = Said("Maren Holt", "Women/Dresses", "cotton", "navy", "striped", "M", 4)


def test_every_word_exists_in_every_language() -> None:
    for words in (*COLOURS.values(), *PATTERNS.values(), *MATERIALS.values(), *NOUNS.values()):
        assert set(words) == set(LANGUAGES)
    assert set(COLOURS) == set(COLOUR_NAMES) == set(ACCENTS)
    assert set(PATTERNS) == set(PATTERN_NAMES)
    assert set(NOUNS) == {category.path for category in CATEGORIES}
    assert {material for category in CATEGORIES for material in category.materials} <= set(MATERIALS)


@pytest.mark.parametrize("seed", range(12))
def test_titles_say_what_they_may_in_each_language(seed: int) -> None:
    written = titles(replace(SAID, wording_seed=seed))
    for language, title in written.items():
        assert COLOURS["navy"][language] in title
        assert PATTERNS["striped"][language].lower() in title.lower()
        assert "Maren Holt" in title
        assert title.strip() == title
        assert "  " not in title


@pytest.mark.parametrize("seed", range(12))
def test_titles_leave_to_the_picture_what_they_may_not_say(seed: int) -> None:
    for language, title in titles(replace(SAID, colour=None, pattern=None, wording_seed=seed)).items():
        assert not any(words[language].lower() in title.lower() for words in PATTERNS.values())
        assert COLOURS["navy"][language] not in title


def test_variants_are_worded_alike() -> None:
    first, second = titles(SAID), titles(replace(SAID, size="L"))
    assert all(first[language].removesuffix("M") == second[language].removesuffix("L") for language in LANGUAGES)
    assert descriptions(SAID) == descriptions(replace(SAID, size="L", colour="red"))


def test_queries_are_in_the_language_asked_for() -> None:
    assert query("en", "Women/Dresses", {"colour": "red"}, 0) == "red dress"
    assert query("es", "Women/Dresses", {"colour": "red", "pattern": "dotted"}, 0) == "vestido de lunares rojo"
    assert query("zh", "Women/Dresses", {"colour": "red"}, 0) == "红色连衣裙"


def test_reviews_and_comments_are_words() -> None:
    rng = np.random.default_rng(1)
    for language in LANGUAGES:
        texts = {stars: {review(language, stars, rng) for _ in range(30)} for stars in (1, 3, 5)}
        assert not texts[1] & texts[5]
        assert all(texts.values())
        assert comment(language, rng)
