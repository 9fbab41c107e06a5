"""A whole ensemble with a small shop, made the way a shop makes one: generated, imported, trained, promoted.

Ask for the session's fixture `small_ensemble`, and leave it as it was found: every process up, the same release stable.
Everything is real: PostgreSQL, every service in a process of its own
(two of user_profile), a release trained on what the services hold. The boutique's truth is taken away before anything
is imported; it is kept elsewhere, for tests that judge pages by it.
"""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.background import Task
from lab.boutique.generation import generate
from lab.boutique.truth import FOLDER as TRUTH_FOLDER
from lab.demo.phases import SHOP, import_file, users_with_events, wait_for_features
from lab.demo.run import DATA_SERVICES
from lab.importing.sending import Addresses, Services
from lab.releases import promote_release
from lab.supervisor.ensemble import Ensemble

SEED, ITEMS, USERS = 11, 200, 100
REPLICAS = {"user_profile": 2}
BEFORE_THE_RELEASE = ("model_server", "ranker", "page_composer")
ENVIRONMENT = {
    # On a busy machine a model that answers is not a model that is late.
    "VITRINE_MODEL_TIMEOUT_MS": "300",
}


@dataclass
class SmallEnsemble:
    """What runs, and where what it was made of lies."""

    processes: Ensemble
    boutique: Path
    """The export that was imported; its truth is not there."""
    truth: Path
    """The truth, out of everybody's reach."""
    release_id: str = ""
    """The stable release."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What training measured."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time of each step."""
    shop_id: str = SHOP

    def address(self, service: str) -> list[str]:
        """`host:port` of every replica."""
        return self.processes.address(service)

    def users(self, count: int) -> list[str]:
        """Users of the shop who have done things."""
        return users_with_events(self.boutique, count)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step of the making."""
        began_s = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began_s, 1)


@contextmanager
def running_ensemble(folder: Path) -> Iterator[SmallEnsemble]:
    """Make an ensemble below an empty folder; it is stopped, and its database removed, at the end."""
    work = folder / "work"
    pictures = {"VITRINE_PICTURE_FOLDERS": f"{SHOP}={work / SHOP}"}
    processes = Ensemble(work, replicas=REPLICAS, environment={**ENVIRONMENT, **pictures}, free_ports=True)
    made = SmallEnsemble(processes, work / SHOP, folder / "kept" / TRUTH_FOLDER)
    try:
        with made.step("everything"):
            make_shop(made)
        (folder / "seconds.json").write_text(json.dumps(made.seconds, indent=2) + "\n", encoding="utf-8")
        yield made
    finally:
        processes.stop()
        processes.remove_database()


def make_shop(made: SmallEnsemble) -> None:
    """Generate, import, train, promote, and start the rest."""
    processes = made.processes
    starting = beside(made, "start of the data services", lambda: processes.start(DATA_SERVICES))
    with made.step("boutique"):
        generate(made.boutique, seed=SEED, end=datetime.now(UTC).date(), items=ITEMS, users=USERS)
    made.truth.parent.mkdir(parents=True)
    shutil.move(made.boutique / TRUTH_FOLDER, made.truth)
    starting.result()
    found = processes.addresses()
    services = Services(Addresses(found["user_profile"], found["item_vision"], found["page_composer"]))
    try:
        import_everything(made, services)
    finally:
        services.close()
    train_and_promote(made)
    listed = made.users(20)
    (processes.work / "demo-users.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    with made.step("start of the storefront"):
        processes.start()


def import_everything(made: SmallEnsemble, services: Services) -> None:
    """Items and their earlier states, events beside them, features, campaigns."""
    boutique = made.boutique
    events = beside(made, "import of events", lambda: import_file("events", boutique, services, silently))
    with made.step("import of items"):
        import_file("changes", boutique, services, silently)
        import_file("items", boutique, services, silently)
    rest = beside(made, "start of ranker and composer", lambda: made.processes.start(BEFORE_THE_RELEASE))
    with made.step("features"):
        wait_for_features(services, silently, threading.Event())
    events.result()
    rest.result()
    import_file("campaigns", boutique, services, silently)


def train_and_promote(made: SmallEnsemble) -> None:
    """Train a release on what the services hold, few passes over few users, and make it stable."""
    from lab.training.learning import TrainingOptions
    from lab.training.pipeline import train
    from services.ranker.model.configuration import FusionConfig
    from services.ranker.training.fusion import TrainingConfig
    from services.user_profile.training.configuration import AutoencoderConfig

    options = TrainingOptions(
        most_pages=600,
        autoencoder=AutoencoderConfig(max_epochs=6, patience=3),
        fusion=FusionConfig(width=16, interests=4, id_size=4, attribute_size=4, hidden=(16,)),
        fusion_training=TrainingConfig(epochs=2, validation_share=0.1, held_out_share=0.1),
    )
    with made.step("training"):
        report = train(SHOP, made.processes.work, made.processes.addresses(), options, silently)
    made.seconds |= {f"training: {stage}": seconds for stage, seconds in report.seconds.items()}
    made.release_id, made.metrics = report.release_id, report.metrics
    with made.step("promotion"):
        promote_release(made.address("ranker"), SHOP, report.release_id)


def beside(made: SmallEnsemble, name: str, work: Callable[[], Any]) -> Task[None]:
    """Begin a step in a thread of its own."""

    def measured() -> None:
        with made.step(name):
            work()

    return Task(name, measured)


def silently(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""
