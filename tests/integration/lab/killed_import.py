"""An import in a process of its own that is killed by SIGKILL shortly after its n-th step: run as a script.

Argument: a JSON object with kind, file, shop, work, user_profile, item_vision and kill_at (0: never). Prints the
report.
"""

import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.importing import import_events, import_items, sending
from lab.importing.checkpoint import ImportFolder
from lab.importing.importer import ImportJob, run_import
from lab.importing.ledger import Ledger
from lab.importing.sending import Addresses, Services

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DELAY_S = 0.004


class Killer:
    """Counts steps; a few milliseconds after the n-th began, the process is gone, wherever it is then."""

    def __init__(self, kill_at: int) -> None:
        self.steps_left = kill_at

    def watch(self, owner: Any, name: str) -> None:
        call = getattr(owner, name)

        def counted(*values: Any, **named: Any) -> Any:
            self.steps_left -= 1
            if self.steps_left == 0:
                threading.Timer(DELAY_S, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
            return call(*values, **named)

        setattr(owner, name, counted)


def main(asked: dict[str, Any]) -> None:
    """Import the file in small batches."""
    import_events.EVENTS_A_STREAM, sending.EVENTS_A_MESSAGE = 200, 50
    import_items.ITEMS_A_STREAM, sending.ITEMS_A_MESSAGE = 20, 5
    killer = Killer(asked["kill_at"])
    steps: list[tuple[Any, str]] = [(Services, "send_events"), (Services, "send_items"), (ImportFolder, "save")]
    for owner, name in [*steps, (Ledger, "commit")]:
        killer.watch(owner, name)
    services = Services(Addresses([asked["user_profile"]], [asked["item_vision"]], ["127.0.0.1:1"]))
    job = ImportJob(asked["kind"], Path(asked["file"]), asked["shop"], work=Path(asked["work"]))
    report = run_import(job, services, NOW)
    services.close()
    sys.stdout.write(json.dumps(report.as_dict()))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
