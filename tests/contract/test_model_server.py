"""The embedded model server against the protocol of TensorFlow Serving, as its clients see it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
import pytest_asyncio

from services.kit.release import Labels, ReleaseDirectory
from services.kit.serving import running
from services.ranker.model.signature import CLICK, EXPLAIN, EXPLAIN_OUTPUTS, INPUTS, OUTPUTS, PURCHASE, Tensors
from services.ranker.model_server.__main__ import definition
from services.ranker.model_server.settings import ModelServerSettings
from services.ranker.predict_protocol import (
    classification_pb2,
    decode_tensor,
    encode_tensor,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tests.releases import SmallRelease, copied, republish

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATES = get_model_status_pb2.ModelVersionStatus
MODEL = "fusion-boutique"
POLL_S = 0.02


@dataclass
class House:
    """A running model server over a folder of releases, and a folder of further models."""

    predictions: prediction_service_pb2_grpc.PredictionServiceStub
    models: model_service_pb2_grpc.ModelServiceStub
    release: SmallRelease
    extra: Path
    """Base path of the model "extra", which holds version 1 at first."""

    @property
    def version(self) -> int:
        return int(self.release.release_id[1:])

    @property
    def folder(self) -> Path:
        """The SavedModel of the release."""
        return self.release.release.path / "fusion" / str(self.version)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(small_release: SmallRelease, tmp_path_factory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("model_server")
    release = copied(small_release, folder / "releases")
    shutil.copytree(release.release.path / "fusion" / release.release_id[1:], folder / "extra" / "1")
    settings = ModelServerSettings(
        releases_dir=folder / "releases",
        models={"extra": folder / "extra"},
        versions_kept=1,
        poll_s=POLL_S,
        drain_seconds=0.2,
    )
    async with running(definition(settings)) as address, grpc.aio.insecure_channel(address) as channel:
        yield House(
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
            release,
            folder / "extra",
        )


def tensors(count: int = 5, seed: int = 3, new_items: int = 2) -> Tensors:
    random = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    history = random.integers(-1, 60, (1, 30)).astype(np.int32)
    return {
        "user_embedding": some(1, 64),
        "history_rows": history,
        "history_actions": np.where(history < 0, 0, 4).astype(np.int32),
        "history_age_days": np.abs(some(1, 30)),
        "context": some(1, 16),
        "candidate_rows": random.integers(0, 60 + new_items, count).astype(np.int32),
        "candidate_features": some(count, 12),
        "new_items": some(new_items, 128),
    }


def predict_request(
    inputs: Tensors, name: str = MODEL, version: int | None = None, packed: bool = True
) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    for key, tensor in inputs.items():
        request.inputs[key].CopyFrom(encode_tensor(tensor, packed))
    return request


async def predict(house: House, request: predict_pb2.PredictRequest) -> dict[str, np.ndarray]:
    answer = await house.predictions.Predict(request)
    return {name: decode_tensor(tensor) for name, tensor in answer.outputs.items()}


async def code_of(call: Awaitable[object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def states(house: House, name: str = MODEL) -> dict[int, int]:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    answer = await house.models.GetModelStatus(request)
    return {each.version: each.state for each in answer.model_version_status}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the server does by itself; the test's own time-out ends a wait in vain."""
    while not await condition():
        await asyncio.sleep(POLL_S)


# Predict


async def test_a_prediction_equals_tensorflows(house):
    import tensorflow as tf

    model = tf.saved_model.load(str(house.folder)).signatures["serving_default"]
    for new_items in (0, 2):
        inputs = tensors(new_items=new_items)
        expected = model(**{name: tf.constant(tensor) for name, tensor in inputs.items()})
        outputs = await predict(house, predict_request(inputs))
        assert set(outputs) == set(OUTPUTS)
        for name in OUTPUTS:
            np.testing.assert_allclose(outputs[name], expected[name].numpy(), atol=1e-5)


async def test_an_explanation_equals_tensorflows_and_names_its_signature(house):
    import tensorflow as tf

    model = tf.saved_model.load(str(house.folder)).signatures[EXPLAIN]
    inputs = tensors(count=1)
    expected = model(**{name: tf.constant(tensor) for name, tensor in inputs.items()})
    request = predict_request(inputs)
    request.model_spec.signature_name = EXPLAIN
    outputs = await predict(house, request)
    assert set(outputs) == set(EXPLAIN_OUTPUTS)
    for name in EXPLAIN_OUTPUTS:
        np.testing.assert_allclose(outputs[name], expected[name].numpy(), atol=5e-3)
    assert (await house.predictions.Predict(request)).model_spec.signature_name == EXPLAIN
    request.output_filter.append(CLICK)  # of the other signature
    assert await code_of(house.predictions.Predict(request)) is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("version", [None, "named"])
async def test_the_answer_names_model_version_and_signature(house, version):
    request = predict_request(tensors(), version=house.version if version else None)
    answer = await house.predictions.Predict(request)
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (MODEL, house.version, "serving_default")


async def test_values_may_come_in_typed_fields(house):
    packed = await predict(house, predict_request(tensors()))
    typed = await predict(house, predict_request(tensors(), packed=False))
    for name in OUTPUTS:
        np.testing.assert_array_equal(packed[name], typed[name])


async def test_only_the_outputs_asked_for_are_answered(house):
    request = predict_request(tensors())
    request.output_filter.append(PURCHASE)
    assert list(await predict(house, request)) == [PURCHASE]
    request.output_filter.append(CLICK)
    assert set(await predict(house, request)) == set(OUTPUTS)


@pytest.mark.parametrize("count", [0, 1, 1_000])
async def test_any_number_of_candidates_is_scored(house, count):
    outputs = await predict(house, predict_request(tensors(count)))
    assert {name: values.shape for name, values in outputs.items()} == {CLICK: (count,), PURCHASE: (count,)}


async def test_concurrent_predictions_equal_sequential_ones(house):
    requests = [predict_request(tensors(40, seed)) for seed in range(24)]
    alone = [await predict(house, request) for request in requests]
    together = await asyncio.gather(*(predict(house, request) for request in requests))
    for one, other in zip(alone, together, strict=True):
        for name in OUTPUTS:
            np.testing.assert_array_equal(one[name], other[name])


def without(name: str) -> Callable[[predict_pb2.PredictRequest], None]:
    def change(request: predict_pb2.PredictRequest) -> None:
        del request.inputs[name]

    return change


def with_input(name: str, tensor: np.ndarray) -> Callable[[predict_pb2.PredictRequest], None]:
    def change(request: predict_pb2.PredictRequest) -> None:
        request.inputs[name].CopyFrom(encode_tensor(tensor))

    return change


def cut(request: predict_pb2.PredictRequest) -> None:
    request.inputs["context"].tensor_content = request.inputs["context"].tensor_content[:-1]


def overlong(request: predict_pb2.PredictRequest) -> None:
    request.inputs["candidate_rows"].tensor_shape.dim[0].size = 2**62


def text_tensor(request: predict_pb2.PredictRequest) -> None:
    request.inputs["context"].dtype = 7


@pytest.mark.parametrize(
    "change",
    [
        without("context"),
        with_input("surprise", np.zeros(3, np.float32)),
        with_input("context", np.zeros((1, 15), np.float32)),
        with_input("context", np.zeros(16, np.float32)),
        with_input("context", np.zeros((1, 16), np.float64)),
        with_input("candidate_rows", np.zeros(5, np.int64)),
        with_input("candidate_rows", np.zeros(4, np.int32)),
        cut,
        overlong,
        text_tensor,
        lambda request: request.output_filter.append("p_surprise"),
        lambda request: request.output_filter.extend([CLICK, CLICK]),
        lambda request: request.model_spec.ClearField("name"),
        lambda request: setattr(request.model_spec, "version_label", "stable"),
    ],
)
async def test_what_does_not_fit_the_signature_is_refused_and_the_server_goes_on(house, change):
    request = predict_request(tensors())
    change(request)
    assert await code_of(house.predictions.Predict(request)) is grpc.StatusCode.INVALID_ARGUMENT
    assert len((await predict(house, predict_request(tensors())))[CLICK]) == 5


async def test_an_unknown_signature_is_refused(house):
    request = predict_request(tensors())
    request.model_spec.signature_name = "serving_surprise"
    assert await code_of(house.predictions.Predict(request)) is grpc.StatusCode.FAILED_PRECONDITION
    request.model_spec.signature_name = "serving_default"
    assert await predict(house, request)


@pytest.mark.parametrize(("name", "version"), [("fusion-nowhere", None), (MODEL, 1), ("", None)])
async def test_a_model_or_version_that_is_not_served_is_refused(house, name, version):
    wanted = grpc.StatusCode.NOT_FOUND if name else grpc.StatusCode.INVALID_ARGUMENT
    assert await code_of(house.predictions.Predict(predict_request(tensors(), name, version))) is wanted


async def test_a_caller_that_goes_away_does_not_disturb_the_others(house):
    calls = [house.predictions.Predict(predict_request(tensors(1_000, seed))) for seed in range(8)]
    for call in calls[::2]:
        call.cancel()
    answers = await asyncio.gather(*calls[1::2])
    assert all(len(decode_tensor(answer.outputs[CLICK])) == 1_000 for answer in answers)


# What is said of models


async def test_metadata_holds_the_signature(house):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = MODEL
    answer = await house.predictions.GetModelMetadata(request)
    assert answer.model_spec.version.value == house.version
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    signature = signatures.signature_def["serving_default"]
    assert set(signature.inputs) == set(INPUTS)
    assert set(signature.outputs) == set(OUTPUTS)
    shape = [dim.size for dim in signature.inputs["candidate_features"].tensor_shape.dim]
    assert shape == [-1, 12]


@pytest.mark.parametrize("fields", [[], ["everything"], ["signature_def", "signature_def"]])
async def test_other_metadata_is_refused(house, fields):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = MODEL
    assert await code_of(house.predictions.GetModelMetadata(request)) is grpc.StatusCode.INVALID_ARGUMENT


async def test_status_is_told_by_version(house):
    assert await states(house, "extra") == {1: STATES.AVAILABLE}
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "extra"
    request.model_spec.version.value = 1
    assert len((await house.models.GetModelStatus(request)).model_version_status) == 1
    request.model_spec.version.value = 2
    assert await code_of(house.models.GetModelStatus(request)) is grpc.StatusCode.NOT_FOUND
    request.model_spec.name = "fusion-nowhere"
    assert await code_of(house.models.GetModelStatus(request)) is grpc.StatusCode.NOT_FOUND


async def test_other_kinds_of_inference_are_refused(house):
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name = MODEL
    regress = regression_pb2.RegressionRequest()
    regress.model_spec.name = MODEL
    several = inference_pb2.MultiInferenceRequest()
    for call in (
        house.predictions.Classify(classify),
        house.predictions.Regress(regress),
        house.predictions.MultiInference(several),
    ):
        assert await code_of(call) is grpc.StatusCode.INVALID_ARGUMENT
    classify.model_spec.name = "fusion-nowhere"
    assert await code_of(house.predictions.Classify(classify)) is grpc.StatusCode.NOT_FOUND


# Versions come and go


def put_version(base: Path, version: int, of: Path) -> None:
    """As a release is published: complete elsewhere, then moved into place."""
    made = base.parent / f".{version}"
    shutil.copytree(of, made)
    made.rename(base / str(version))


async def test_versions_come_warmed_up_and_go_when_they_are_removed(house):
    put_version(house.extra, 2, house.folder)

    async def second_is_there() -> bool:
        return (await states(house, "extra")).get(2) == STATES.AVAILABLE

    await until(second_is_there)
    answer = await house.predictions.Predict(predict_request(tensors(), "extra"))
    assert answer.model_spec.version.value == 2

    async def only_the_newest_is_there() -> bool:
        return await states(house, "extra") == {1: STATES.END, 2: STATES.AVAILABLE}

    await until(only_the_newest_is_there)
    assert await code_of(house.predictions.Predict(predict_request(tensors(), "extra", 1))) is grpc.StatusCode.NOT_FOUND
    shutil.rmtree(house.extra / "2")

    async def the_first_is_back() -> bool:
        return await states(house, "extra") == {1: STATES.AVAILABLE, 2: STATES.END}

    await until(the_first_is_back)


async def test_a_version_is_unloaded_only_when_what_runs_on_it_has_ended(house):
    put_version(house.extra, 3, house.folder)

    async def third_is_there() -> bool:
        return (await states(house, "extra")).get(3) == STATES.AVAILABLE

    await until(third_is_there)
    # More work than two threads finish before the folder is gone.
    calls = [house.predictions.Predict(predict_request(tensors(1_000, seed), "extra", 3)) for seed in range(40)]
    await calls[0]
    shutil.rmtree(house.extra / "3")

    async def third_is_gone() -> bool:
        return (await states(house, "extra"))[3] == STATES.END

    await until(third_is_gone)
    for answer in await asyncio.gather(*calls):
        assert answer.model_spec.version.value == 3
        assert len(decode_tensor(answer.outputs[CLICK])) == 1_000


async def test_a_broken_version_is_reported_and_the_server_goes_on(house):
    broken = house.extra.parent / ".broken"
    shutil.copytree(house.folder, broken)
    (broken / "saved_model.pb").write_bytes(b"no model")
    broken.rename(house.extra / "4")

    async def fourth_ended() -> bool:
        return (await states(house, "extra")).get(4) == STATES.END

    await until(fourth_ended)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "extra"
    request.model_spec.version.value = 4
    (status,) = (await house.models.GetModelStatus(request)).model_version_status
    assert status.status.error_code != 0
    assert status.status.error_message
    assert await predict(house, predict_request(tensors()))
    shutil.rmtree(house.extra / "4")


async def test_a_version_whose_warm_up_fails_is_not_served(house):
    cold = house.extra.parent / ".cold"
    shutil.copytree(house.folder, cold)
    (cold / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"cut off")
    cold.rename(house.extra / "5")

    async def fifth_ended() -> bool:
        return (await states(house, "extra")).get(5) == STATES.END

    await until(fifth_ended)
    shutil.rmtree(house.extra / "5")


async def test_a_release_with_a_label_is_served_beside_the_newest(house):
    older, newer = house.version, int(republish(house.release)[1:])
    directory = ReleaseDirectory(house.release.releases_dir, house.release.shop_id)
    directory.write_labels(Labels(stable=house.release.release_id))

    async def both_are_there() -> bool:
        return await states(house) == {older: STATES.AVAILABLE, newer: STATES.AVAILABLE}

    await until(both_are_there)
    answers = [
        (await house.predictions.Predict(predict_request(tensors(), version=version))).model_spec.version.value
        for version in (older, newer, None)
    ]
    assert answers == [older, newer, newer]


async def test_a_new_list_of_models_replaces_the_old_one(house):
    request = model_management_pb2.ReloadConfigRequest()
    listed = request.config.model_config_list.config.add()
    listed.name, listed.base_path = "renamed", str(house.extra)
    await house.models.HandleReloadConfigRequest(request, timeout=60.0)
    assert (await states(house, "renamed"))[1] == STATES.AVAILABLE
    assert await predict(house, predict_request(tensors(), "renamed"))
    assert await code_of(house.predictions.Predict(predict_request(tensors()))) is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(("name", "base_path"), [("", "/"), ("fine", "/nowhere/at/all")])
async def test_a_list_that_names_no_model_is_refused(house, name, base_path):
    request = model_management_pb2.ReloadConfigRequest()
    listed = request.config.model_config_list.config.add()
    listed.name, listed.base_path = name, base_path
    assert await code_of(house.models.HandleReloadConfigRequest(request)) is grpc.StatusCode.INVALID_ARGUMENT
    empty = model_management_pb2.ReloadConfigRequest()
    assert await code_of(house.models.HandleReloadConfigRequest(empty)) is grpc.StatusCode.INVALID_ARGUMENT
