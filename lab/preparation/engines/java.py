"""Whether there is a Java that Spark can run with; apart from the rest so that asking costs next to nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

LEAST_JAVA = 17
"""What Spark 4 needs."""
PATIENCE_S = 30.0
VERSION = re.compile(r'(?:version |JAVA_VERSION=)"(?:1\.)?(\d+)')
"""Before Java 9 versions began with `1.`."""


def java_found() -> bool:
    """Whether JAVA_HOME or else the PATH has a `java` that is new enough for Spark."""
    home = os.environ.get("JAVA_HOME", "")
    named = Path(home) / "bin" / "java"
    java = str(named) if home and named.exists() else shutil.which("java")
    return java is not None and (java_version(Path(java)) or 0) >= LEAST_JAVA


def java_version(java: Path) -> int | None:
    """The major version, as the `release` file beside it says or else it says itself; None when neither does."""
    release = java.resolve().parent.parent / "release"
    if release.is_file() and (said := VERSION.search(release.read_text(encoding="utf-8", errors="replace"))):
        return int(said[1])
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = VERSION.search(told.stderr + told.stdout)
    return int(said[1]) if said else None
