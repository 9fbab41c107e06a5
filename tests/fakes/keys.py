"""The keys of the tests' services: what one service signs, another reads."""

PSEUDONYM_KEY = "a pseudonym key for tests"
TRACKING_KEY = b"a tracking key for tests"
