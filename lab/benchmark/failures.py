"""What ends a benchmark."""


class BenchmarkFailed(Exception):  # noqa: N818  named like the errors of kit
    """The benchmark cannot be made or believed; the message says why."""
