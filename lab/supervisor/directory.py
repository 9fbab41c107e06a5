"""work/ensemble.json: where the processes of a work folder are now, for commands that talk to them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.supervisor.topology import Topology, load_topology

FILE_NAME = "ensemble.json"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Entry:
    """One running process."""

    name: str
    replica: int
    pid: int
    address: str
    """host:port; empty for workers."""
    metrics_port: int | None
    log: str


def write_directory(work: Path, entries: Sequence[Entry]) -> None:
    """Replace the directory."""
    path = work / FILE_NAME
    draft = path.with_suffix(".new")
    content = {"supervisor_pid": os.getpid(), "processes": [asdict(entry) for entry in entries]}
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def remove_directory(work: Path) -> None:
    """Say that nothing runs."""
    (work / FILE_NAME).unlink(missing_ok=True)


def addresses_of(work: Path, topology: Topology | None = None) -> Mapping[str, Sequence[str]]:
    """Return the addresses of every service: from VITRINE_<SERVICE>_ADDRESSES, else as `vitrine up` wrote them down,
    else the default ports.
    """
    found: dict[str, Sequence[str]] = {}
    for spec in (topology or load_topology()).process:
        if spec.port is not None:
            found[spec.name] = (f"{HOST}:{spec.port}",)
    running: dict[str, list[str]] = {}
    for entry in read_directory(work):
        if entry.address:
            running.setdefault(entry.name, []).append(entry.address)
    found |= running
    for name in found:
        told = os.environ.get(f"VITRINE_{name.upper()}_ADDRESSES", "")
        if told:
            found[name] = tuple(part.strip() for part in told.split(",") if part.strip())
    return found


def read_directory(work: Path) -> list[Entry]:
    """Return the running processes; empty when nothing runs."""
    try:
        content = json.loads((work / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return []
    if not Path(f"/proc/{content['supervisor_pid']}").exists() and Path("/proc/self").exists():
        return []  # a supervisor that was killed left it behind
    return [Entry(**each) for each in content["processes"]]
