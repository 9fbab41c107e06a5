"""Native noise goes to a file, and only while it should."""

import os
import subprocess
import sys
from pathlib import Path

from lab.native_noise import native_noise_into


def test_what_is_written_below_python_goes_to_the_file(tmp_path: Path) -> None:
    script = (
        "import os; from pathlib import Path; from lab.native_noise import native_noise_into\n"
        f"with native_noise_into(Path({str(tmp_path / 'logs' / 'noise.log')!r})):\n    os.write(2, b'noise')\n"
        "os.write(2, b'message')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stderr == b"message"
    assert (tmp_path / "logs" / "noise.log").read_bytes() == b"noise"


def test_standard_error_is_given_back_after_an_error(tmp_path: Path) -> None:
    before = os.fstat(2)
    try:
        with native_noise_into(tmp_path / "noise.log"):
            raise KeyError
    except KeyError:
        pass
    assert os.fstat(2).st_ino == before.st_ino
