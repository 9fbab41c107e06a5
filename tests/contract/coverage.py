"""Which outcome of which RPC a contract test shows: what test_coverage.py holds against the contracts' comments."""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])

REGISTRY: dict[str, set[str]] = defaultdict(set)
"""`Service.Method` → outcomes that a test asserts: "OK", or code and reason such as "NOT_FOUND USER_UNKNOWN"."""


def covers(method: str, outcome: str = "OK") -> Callable[[Test], Test]:
    """Declare that the decorated test asserts this outcome of `Service.Method` on the real servicer and on the fake."""

    def register(test: Test) -> Test:
        REGISTRY[method].add(outcome)
        return test

    return register
