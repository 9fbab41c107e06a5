"""A process that gives way stands behind the others, and so does its session where that is its own."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from pathlib import Path
from services.kit.priority import give_way, give_way_as_group
give_way(7)
give_way_as_group(7, Path(sys.argv[1]))
print(os.nice(0))
"""


def given_way(group: Path, *, own_session: bool) -> int:
    command = [sys.executable, "-c", SCRIPT, str(group)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=own_session)
    return int(done.stdout)


@pytest.mark.parametrize("own_session", [True, False])
def test_a_group_steps_back_only_with_a_process_whose_session_it_is(tmp_path: Path, own_session: bool) -> None:
    group = tmp_path / "autogroup"
    group.write_text("untouched", encoding="ascii")
    assert given_way(group, own_session=own_session) >= 7
    assert group.read_text(encoding="ascii") == ("7\n" if own_session else "untouched")


def test_where_there_are_no_groups_niceness_is_all(tmp_path: Path) -> None:
    assert given_way(tmp_path / "none" / "autogroup", own_session=True) >= 7
