"""PredictionService of the protocol of TensorFlow Serving, as clients of the embedded model server see it."""

import asyncio
from collections.abc import Callable

import grpc
import numpy as np
import pytest

from services.ranker.model.signature import CLICK, EXPLAIN, EXPLAIN_OUTPUTS, INPUTS, OUTPUTS, PURCHASE
from services.ranker.predict_protocol import (
    classification_pb2,
    decode_tensor,
    encode_tensor,
    get_model_metadata_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)
from tests.contract.model_server.calls import MODEL, code_of, predict, predict_request, tensors

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
