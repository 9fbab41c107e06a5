"""Whether there is a Java to run Spark with; apart from the rest so that asking costs nothing."""

import os
import shutil
from pathlib import Path


def java_found() -> bool:
    """Whether JAVA_HOME or the PATH has a `java`."""
    home = os.environ.get("JAVA_HOME", "")
    return bool(home and (Path(home) / "bin" / "java").exists()) or shutil.which("java") is not None
