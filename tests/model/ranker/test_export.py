import subprocess
import sys
import threading

import numpy as np
import pytest

from services.ranker.model.export import WARM_UP_FILE, answer_in_python, export_fusion
from services.ranker.model.gate import ExportRefused, check_export, random_request
from services.ranker.model.runtime import LoadedModel, RuntimeRefusal
from services.ranker.model.signature import CLICK, INPUTS, OUTPUTS, PURCHASE
from services.ranker.model_server.model_store import tf_records
from services.ranker.predict_protocol import decode_tensor, prediction_log_pb2
from tests.model.ranker.exports import ITEMS, export_badly, export_well, small_model


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("fusion") / "20250101000000"
    export_well(model, path)
    return path


@pytest.fixture(scope="module")
def loaded(folder):
    runtime = LoadedModel(folder)
    yield runtime
    runtime.close()


def test_a_good_export_passes_the_gate_with_the_numbers_of_python(model, folder):
    assert check_export(folder, answer_in_python(model), ITEMS) <= 1e-5


def test_an_export_by_saved_model_save_is_refused_when_it_runs(model, tmp_path):
    export_badly(model, tmp_path / "1")
    LoadedModel(tmp_path / "1").close()  # it loads: that is why the gate runs it
    with pytest.raises(ExportRefused, match="Could not find variable"):
        check_export(tmp_path / "1", answer_in_python(model), ITEMS)


def test_an_export_that_answers_other_numbers_is_refused(model, folder):
    honest = answer_in_python(model)

    def other(tensors):
        return {name: values + 1e-3 for name, values in honest(tensors).items()}

    with pytest.raises(ExportRefused, match="differs from Python"):
        check_export(folder, other, ITEMS)


def test_an_export_without_its_variables_is_refused(model, tmp_path):
    broken = tmp_path / "7"
    export_well(model, broken)
    for file in (broken / "variables").iterdir():
        file.unlink()
    with pytest.raises(ExportRefused, match="Could not find variable"):
        check_export(broken, answer_in_python(model), ITEMS)


def test_the_signature_is_the_one_that_is_promised(loaded):
    assert set(loaded.inputs) == set(INPUTS)
    for name, (shape, kind) in INPUTS.items():
        assert loaded.inputs[name].dtype == kind
        assert loaded.inputs[name].shape == tuple(-1 if size is None else size for size in shape)
    assert {name: info.shape for name, info in loaded.outputs.items()} == dict.fromkeys(OUTPUTS, (-1,))


def test_the_folder_must_be_a_version_number(model, tmp_path):
    with pytest.raises(ValueError, match="version number"):
        export_fusion(model, tmp_path / "latest", [], "fusion-test")


def test_warm_up_requests_are_recorded_as_tensorflow_serving_reads_them(folder):
    logs = [prediction_log_pb2.PredictionLog.FromString(each) for each in tf_records(folder / WARM_UP_FILE)]
    played = [log.predict_log.request for log in logs]
    assert [request.model_spec.signature_name for request in played] == ["serving_default"] * 2 + ["explain"]
    assert {request.model_spec.name for request in played} == {"fusion-test"}
    assert decode_tensor(played[1].inputs["new_items"]).shape == (2, 128)
    assert [len(decode_tensor(request.inputs["candidate_rows"])) for request in played] == [20, 3, 1]


def test_many_threads_get_the_answers_that_one_would(loaded, model):
    requests = [random_request(np.random.default_rng(seed), ITEMS, 50, seed % 3) for seed in range(12)]
    answers: dict[int, dict] = {}

    def ask(number: int) -> None:
        answers[number] = loaded.run(requests[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect = answer_in_python(model)
    for number, request in enumerate(requests):
        assert np.allclose(answers[number][CLICK], expect(request)[CLICK], atol=1e-5)
        assert (answers[number][PURCHASE] < answers[number][CLICK]).all()


def test_wrong_values_are_refused_and_the_model_goes_on(loaded):
    request = random_request(np.random.default_rng(0), ITEMS, 5, 0)
    with pytest.raises(RuntimeRefusal) as refusal:
        loaded.run(request | {"candidate_features": request["candidate_features"][:3]})
    assert refusal.value.code == "INVALID_ARGUMENT"
    assert np.isfinite(loaded.run(request)[CLICK]).all()


def test_a_model_closed_during_a_run_is_freed_by_the_run_and_then_refuses(folder):
    runtime = LoadedModel(folder)
    request = random_request(np.random.default_rng(0), ITEMS, 5, 0)
    with runtime._resources.in_use():
        runtime.close()
        assert runtime._resources.session is not None
    assert runtime._resources.session is None
    with pytest.raises(RuntimeRefusal, match="closed"):
        runtime.run(request)
    runtime.close()


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(RuntimeRefusal, match="NOT_FOUND"):
        LoadedModel(tmp_path)


def test_neither_the_protocol_nor_the_runtime_imports_tensorflow(folder):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "import services.ranker.model_client, services.ranker.model_server.__main__\n"
        "from services.ranker.model.runtime import LoadedModel\n"
        f"LoadedModel(Path({str(folder)!r}))\n"  # left open: the end of the process must not crash
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "from tensorflow_serving.apis import predict_pb2\n"
        "import services.ranker.predict_protocol as protocol\n"
        "assert protocol.predict_pb2 is predict_pb2\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)
