"""The real grpcurl lists, describes and calls every service of every process, by reflection alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ensemble import SmallEnsemble

GRPCURL = Path(sys.executable).with_name("grpcurl")
INFRASTRUCTURE = ("grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection")
VISIT = {"user_id": "grpcurl", "device": "DEVICE_PHONE", "locale": "es"}
OF_SHOP = {"shop_id": "boutique"}

# Process → full service name → method, request, and a field that a true answer has.
CALLS: dict[str, dict[str, tuple[str, dict[str, Any], str]]] = {
    "user_profile": {
        "vitrine.user_profile.v1.UserProfileService": ("GetProfile", {**OF_SHOP, "visit": VISIT}, "profile"),
        "vitrine.common.v1.ReadinessService": ("ListReadyReleases", OF_SHOP, "release_ids"),
    },
    "item_vision": {
        "vitrine.item_vision.v1.CatalogueService": (
            "GetItems",
            {**OF_SHOP, "item_ids": ["item-00001"], "locale": "en"},
            "items",
        ),
        "vitrine.item_vision.v1.ItemVisionService": (
            "FindSimilarItems",
            {**OF_SHOP, "item_id": "item-00001", "limit": 3},
            "items",
        ),
        "vitrine.common.v1.ReadinessService": ("ListReadyReleases", OF_SHOP, "release_ids"),
    },
    "ranker": {
        "vitrine.ranker.v1.RankerService": (
            "Recommend",
            {**OF_SHOP, "visit": VISIT, "pools": [{"pool_id": "p", "source": "popular", "limit": 5}]},
            "p_click_if_seen",
        ),
        "vitrine.ranker.v1.ReleaseService": ("ListReleases", OF_SHOP, "releases"),
        "vitrine.common.v1.ReadinessService": ("ListReadyReleases", OF_SHOP, "release_ids"),
    },
    "page_composer": {
        "vitrine.page_composer.v1.PageComposerService": ("ComposePage", {**OF_SHOP, "visit": VISIT}, "page"),
        "vitrine.page_composer.v1.MerchandisingService": ("ListTemplates", OF_SHOP, "templates"),
        "vitrine.page_composer.v1.ExperimentService": ("ListExperiments", OF_SHOP, ""),
        "vitrine.common.v1.ReadinessService": ("ListReadyReleases", OF_SHOP, "release_ids"),
    },
    "model_server": {
        "tensorflow.serving.PredictionService": (
            "GetModelMetadata",
            {"model_spec": {"name": "fusion-boutique"}, "metadata_field": ["signature_def"]},
            "model_spec",
        ),
        "tensorflow.serving.ModelService": (
            "GetModelStatus",
            {"model_spec": {"name": "fusion-boutique"}},
            "model_version_status",
        ),
    },
}
EVERY_CALL = [(process, service) for process, services in CALLS.items() for service in services]


def grpcurl(*arguments: str) -> str:
    done = subprocess.run(
        [str(GRPCURL), "-plaintext", "-max-time", "20", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("process", CALLS)
def test_every_service_of_a_process_is_listed(small_ensemble: SmallEnsemble, process: str) -> None:
    listed = set(grpcurl(small_ensemble.address(process)[0], "list").split())
    assert listed == {*CALLS[process], *INFRASTRUCTURE}


@pytest.mark.parametrize(("process", "service"), EVERY_CALL)
def test_a_service_is_described_and_answers(small_ensemble: SmallEnsemble, process: str, service: str) -> None:
    address = small_ensemble.address(process)[0]
    method, request, field = CALLS[process][service]
    assert f"rpc {method} " in grpcurl(address, "describe", service)
    answer = json.loads(grpcurl("-d", json.dumps(request), address, f"{service}/{method}"))
    assert not field or answer[field]


@pytest.mark.parametrize("process", CALLS)
def test_health_is_told(small_ensemble: SmallEnsemble, process: str) -> None:
    answer = grpcurl(small_ensemble.address(process)[0], "grpc.health.v1.Health/Check")
    assert json.loads(answer) == {"status": "SERVING"}


def test_errors_can_be_read(small_ensemble: SmallEnsemble) -> None:
    request = json.dumps({"shop_id": "boutique", "visit": {"region": "nowhere"}})
    done = subprocess.run(
        [str(GRPCURL), "-plaintext", "-d", request, small_ensemble.address("page_composer")[0],
         "vitrine.page_composer.v1.PageComposerService/ComposePage"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "InvalidArgument" in done.stderr
    assert "visit.region" in done.stderr
