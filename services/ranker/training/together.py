"""Trains one fusion model by several processes, on one machine or on many (ADR 0030).

`python -m services.ranker.training.together FOLDER` is one of the processes: it reads the job in FOLDER, and
`TF_CONFIG` in its environment says which of the processes it is. `train_together` starts them all on this machine; on
several machines, write the job with `write_job` to a folder that all of them see and start one process on each.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from services.ranker.model.configuration import FusionConfig, FusionInputs, ItemTable
from services.ranker.training.calibration import CalibrationFit
from services.ranker.training.examination import Examination
from services.ranker.training.fusion import Progress, TrainedFusion, TrainingConfig, train_fusion
from services.ranker.training.rows import ImpressionRows

TETHERED = "--tethered"
"""A process that is told so ends with the one that started it, whose pipe is its standard input."""
LOOK_EVERY_S = 0.1


class WorkersFailed(Exception):  # noqa: N818 - it says what happened to them
    """A training process ended before its time; the message holds what it said last."""


@dataclass(frozen=True)
class Job:
    """What is to be trained."""

    rows: ImpressionRows
    table: ItemTable
    config: FusionConfig
    training: TrainingConfig


def train_together(job: Job, workers: int, progress: Progress | None = None) -> TrainedFusion:
    """Trains by processes on this machine, with the result that one process would have, up to rounding.

    Raises:
        WorkersFailed: one of them ended early; the others are ended too.

    """
    with tempfile.TemporaryDirectory(prefix="vitrine-training-") as work:
        folder = Path(work)
        write_job(folder, job)
        processes = _start(folder, workers)
        try:
            _follow(folder, processes, progress or (lambda *_: None))
        finally:
            for process in processes:
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()
        return _read_result(folder, job)


def write_job(folder: Path, job: Job) -> None:
    """Writes everything that a process needs into a folder."""
    for name, columns in (("rows", job.rows), ("table", job.table)):
        arrays = {field.name: getattr(columns, field.name) for field in fields(columns)}
        np.savez(folder / f"{name}.npz", allow_pickle=False, **{k: v for k, v in arrays.items() if v is not None})
    described = {"config": asdict(job.config), "training": asdict(job.training)}
    (folder / "job.json").write_text(json.dumps(described) + "\n", "utf-8")


def read_job(folder: Path) -> Job:
    """Reads what `write_job` wrote."""
    described = json.loads((folder / "job.json").read_text("utf-8"))
    config = described["config"]
    config |= {"inputs": FusionInputs(**config["inputs"]), "hidden": tuple(config["hidden"])}
    with np.load(folder / "rows.npz", allow_pickle=False) as file:
        rows = ImpressionRows(**{name: file[name] for name in file.files})
    with np.load(folder / "table.npz", allow_pickle=False) as file:
        table = ItemTable(**{name: file[name] for name in file.files})
    return Job(rows, table, FusionConfig(**config), TrainingConfig(**described["training"]))


def _start(folder: Path, workers: int) -> list[subprocess.Popen[str]]:
    addresses = free_addresses(workers)
    processes = []
    for index in range(workers):
        place = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(place)} | _gpu_of(index)
        with (folder / f"worker-{index}.log").open("w", encoding="utf-8") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "services.ranker.training.together", str(folder), TETHERED],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            )
    return processes


def free_addresses(count: int) -> list[str]:
    """Addresses of this machine that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _gpu_of(index: int) -> dict[str, str]:
    """A GPU for each process, where the environment names several."""
    gpus = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu]
    return {"CUDA_VISIBLE_DEVICES": gpus[index % len(gpus)]} if len(gpus) > 1 else {}


def _follow(folder: Path, processes: Sequence[subprocess.Popen[str]], progress: Progress) -> None:
    """Passes on what the first process reports until all have ended well. Raises: WorkersFailed."""
    readers = [
        threading.Thread(target=_relay, args=(process, progress if index == 0 else None), daemon=True)
        for index, process in enumerate(processes)
    ]
    for reader in readers:
        reader.start()
    while True:
        codes = [process.poll() for process in processes]
        for index, code in enumerate(codes):
            if code:
                said = (folder / f"worker-{index}.log").read_text("utf-8", errors="replace").strip()
                raise WorkersFailed(f"training process {index} ended with {code}: {said[-600:] or 'it said nothing'}")
        if all(code == 0 for code in codes):
            break
        time.sleep(LOOK_EVERY_S)
    for reader in readers:
        reader.join()


def _relay(process: subprocess.Popen[str], progress: Progress | None) -> None:
    for line in process.stdout or ():
        if progress is not None and line.startswith("{"):
            told = json.loads(line)
            progress(told["what"], told["done"], told["total"])


def _read_result(folder: Path, job: Job) -> TrainedFusion:
    from services.ranker.model.fusion import build_fusion

    model = build_fusion(job.table, job.config)
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        model.set_weights([file[name] for name in file.files])
    examination = folder / "examination.json"
    return TrainedFusion(
        model,
        CalibrationFit.load(folder / "calibration.json"),
        Examination.load(examination) if examination.is_file() else None,
        json.loads((folder / "metrics.json").read_text("utf-8")),
    )


def _train_here(folder: Path) -> None:
    """One process's part."""
    import tensorflow as tf

    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING
    )
    # Before anything else of TensorFlow: it joins the processes into one cluster.
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    first = json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 0
    job = read_job(folder)
    with strategy.scope():
        trained = train_fusion(job.rows, job.table, job.config, job.training, _tell if first else None)
        if first:
            _write_result(folder, trained)
        # Nobody leaves the cluster while another still needs it.
        _meet(strategy)


def _meet(strategy: Any) -> None:
    """Waits until every process has come as far."""
    import tensorflow as tf

    def add() -> Any:
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.ones([]))

    tf.function(lambda: strategy.run(add))()


def _tell(what: str, done: int, total: int) -> None:
    sys.stdout.write(json.dumps({"what": what, "done": done, "total": total}) + "\n")
    sys.stdout.flush()


def _write_result(folder: Path, trained: TrainedFusion) -> None:
    weights = trained.model.get_weights()
    np.savez(folder / "weights.npz", allow_pickle=False, **{f"{n:04}": weight for n, weight in enumerate(weights)})
    trained.calibration.save(folder / "calibration.json")
    if trained.examination is not None:
        trained.examination.save(folder / "examination.json")
    (folder / "metrics.json").write_text(json.dumps(trained.metrics) + "\n", "utf-8")


def _end_with_parent() -> None:
    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(arguments: Sequence[str]) -> None:
    """One of the processes."""
    if TETHERED in arguments:
        _end_with_parent()
    _train_here(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
