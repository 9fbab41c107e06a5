"""Writes the fusion model as a SavedModel that TensorFlow Serving can run, with warm-up requests beside it.

Only what the signatures read is written: the tables that training alone needs (content, own embeddings) stay behind.

`tf.saved_model.save` of a Keras 3 model writes a folder that loads in C++ and fails when run;
`keras.export.ExportArchive` writes one that runs. The gate (`gate.py`) tells them apart.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from services.ranker.model.fusion import FusionModel
from services.ranker.model.servable import Servable
from services.ranker.model.signature import CLICK, EXPLAIN, INPUTS, PURCHASE, SIGNATURE, Tensors, check_tensors
from services.ranker.predict_protocol import encode_tensor, prediction_log_pb2

WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"


LARGEST_FILE_BYTES = 1 << 29
"""A model's numbers are spread over files of about this size; a variable is never cut."""


def export_fusion(model: Servable, folder: Path, warm_up: Sequence[Tensors], model_name: str) -> None:
    """Exports to `folder`, whose name is the version number.

    Args:
        model: with its calibration set; a fusion model, or a packed one.
        folder: made anew.
        warm_up: requests that the server plays before it reports the version available.
        model_name: what the server will call the model, such as "fusion-boutique".

    Raises:
        ValueError: the folder's name is no version number, or a warm-up request does not fit the signature.

    """
    if not folder.name.isdigit():
        raise ValueError(f"TensorFlow Serving wants a version number for a folder name, not {folder.name!r}.")
    for tensors in warm_up:
        check_tensors(tensors)
    model.freeze()
    archive = keras.export.ExportArchive()
    specification = {
        name: tf.TensorSpec(shape, tf.as_dtype(dtype), name=name) for name, (shape, dtype) in INPUTS.items()
    }
    archive.add_endpoint(SIGNATURE, model.serve, input_signature=[specification])
    archive.add_endpoint(EXPLAIN, model.explain, input_signature=[specification])
    sharding = tf.train.experimental.MaxShardSizePolicy(max_shard_size=LARGEST_FILE_BYTES)
    archive.write_out(
        str(folder), options=tf.saved_model.SaveOptions(experimental_sharding_callback=sharding), verbose=False
    )
    _write_warm_up(folder / WARM_UP_FILE, warm_up, model_name)


def _write_warm_up(path: Path, requests: Sequence[Tensors], model_name: str) -> None:
    """A TFRecord file of PredictionLog messages, as TensorFlow Serving reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    explained = [first_candidate(tensors) for tensors in requests[:1] if len(tensors["candidate_rows"])]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, played in ((SIGNATURE, requests), (EXPLAIN, explained)):
            for tensors in played:
                writer.write(_prediction_log(tensors, signature, model_name))


def first_candidate(tensors: Tensors) -> Tensors:
    """The request for its first candidate alone, which is how `explain` is asked."""
    return tensors | {name: tensors[name][:1] for name in ("candidate_rows", "candidate_features")}


def _prediction_log(tensors: Tensors, signature: str, model_name: str) -> bytes:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    for name, tensor in tensors.items():
        request.inputs[name].CopyFrom(encode_tensor(tensor))
    return bytes(log.SerializeToString())


def answer_in_python(model: FusionModel) -> Callable[[Tensors], Tensors]:
    """The model as the gate's yardstick: the signature's tensors in numpy, both ways, without the frozen vectors."""

    def answer(tensors: Tensors) -> Tensors:
        batched = {name: tf.constant(tensor) for name, tensor in tensors.items()}
        batched["candidate_rows"] = batched["candidate_rows"][None]
        batched["candidate_features"] = batched["candidate_features"][None]
        click, purchase = model.probabilities(batched)
        return {CLICK: click[0].numpy(), PURCHASE: purchase[0].numpy()}

    return answer
