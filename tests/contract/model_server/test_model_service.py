"""ModelService of the protocol of TensorFlow Serving: which versions the embedded model server has, and how they come
and go.
"""

import asyncio
import shutil
from pathlib import Path

import grpc
import pytest

from services.kit.release import Labels, ReleaseDirectory
from services.ranker.model.signature import CLICK
from services.ranker.predict_protocol import decode_tensor, get_model_status_pb2, model_management_pb2
from tests.contract.model_server.calls import STATES, code_of, predict, predict_request, states, tensors
from tests.contract.patience import until
from tests.releases import republish

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
