"""The compose file and the local supervisor: the same processes, order, ports, health, environment and databases."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from lab.deployment.files import COMPOSE
from lab.deployment.interpolation import VariableMissing, interpolated, variables
from lab.supervisor.plan import Plan, PlanOptions
from lab.supervisor.topology import DATABASE, ProcessSpec, load_topology
from lab.supervisor.unit import Unit
from services.item_vision.settings import ItemVisionSettings
from services.page_composer.settings import PageComposerSettings
from services.ranker.model.signature import INPUTS
from services.ranker.model_server.settings import ModelServerSettings
from services.ranker.settings import RankerSettings
from services.user_profile.settings import UserProfileSettings
from storefront.settings import StorefrontSettings

ROOT = Path(__file__).parents[4]
TOPOLOGY = load_topology()
OURS = [spec for spec in TOPOLOGY.process if not spec.stock_image]
SETTINGS: dict[str, type[BaseSettings]] = {
    "model_server": ModelServerSettings,
    "user_profile": UserProfileSettings,
    "item_vision": ItemVisionSettings,
    "item_vision_worker": ItemVisionSettings,
    "ranker": RankerSettings,
    "page_composer": PageComposerSettings,
    "storefront": StorefrontSettings,
}
ONLY_DEPLOYED = {"LOG_FORMAT", "LOG_LEVEL"}
SECRETS = {
    "VITRINE_DATABASE_PASSWORD": "database-password",
    "VITRINE_PSEUDONYM_KEY": "p" * 32,
    "VITRINE_TRACKING_KEY": "t" * 32,
    "VITRINE_COOKIE_SECRET": "c" * 32,
    "VITRINE_SHOPS": "boutique",
}

by_name = pytest.mark.parametrize("spec", OURS, ids=lambda spec: spec.name)


def text() -> str:
    return (ROOT / COMPOSE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def containers() -> Mapping[str, Any]:
    return yaml.safe_load(text())["services"]


@pytest.fixture(scope="module")
def filled() -> Mapping[str, Any]:
    """As compose sees it with the required variables set."""
    return yaml.safe_load(interpolated(text(), SECRETS))["services"]


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Unit]:
    """What the supervisor would run, one of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VITRINE_DATABASE_DSN", raising=False)
        made = Plan(tmp_path_factory.mktemp("plan"), TOPOLOGY, PlanOptions({}, {}, False), lambda _line: None).units()
    return {unit.name: unit for unit in made}


def host(name: str) -> str:
    return name.replace("_", "-")


def local_variables(unit: Unit, spec: ProcessSpec) -> dict[str, str]:
    known = SETTINGS[spec.name].model_fields
    told = unit.program().environment
    prefix = spec.settings_prefix
    names = {name.removeprefix(prefix) for name in told if name.startswith(prefix)}
    return {name: told[prefix + name] for name in names if name.lower() in known}


def deployed_variables(container: Mapping[str, Any], spec: ProcessSpec) -> dict[str, str]:
    prefix, told = spec.settings_prefix, container["environment"]
    libraries = {name for name in spec.environment if not name.startswith(prefix)}
    return {name.removeprefix(prefix): value for name, value in told.items() if name not in libraries}


def test_every_process_has_its_container_in_the_same_order(containers):
    order = [name for name in containers if name in {host(spec.name) for spec in TOPOLOGY.process}]
    assert order == [host(spec.name) for spec in TOPOLOGY.process]


@by_name
def test_a_container_runs_what_the_supervisor_runs(spec, containers, units):
    assert [sys.executable, *containers[host(spec.name)]["command"]] == list(units[spec.name].program().arguments)


@by_name
def test_a_container_starts_once_the_same_others_are_healthy(spec, containers, units):
    waits = {name for name, _ in units[spec.name].waits_for}
    depends = containers[host(spec.name)].get("depends_on", {})
    healthy = {name for name, how in depends.items() if how["condition"] == "service_healthy"}
    assert healthy == {host(name) for name in waits}
    for name in healthy:
        assert "test" in containers[name]["healthcheck"]


@by_name
def test_a_container_is_stopped_before_what_it_calls(spec, containers):
    # Compose stops in the reverse order of depends_on, the supervisor callers first.
    called = {host(name) for name in (*spec.calls, *spec.waits_for())}
    assert set(containers[host(spec.name)].get("depends_on", {})) == called
    for name in (*spec.calls, *spec.waits_for()):
        assert spec.name in TOPOLOGY.callers_of(name)


@by_name
def test_ports_are_the_same(spec, containers, units):
    unit, container = units[spec.name], containers[host(spec.name)]
    deployed = deployed_variables(container, spec)
    assert deployed["LISTEN"] == f"0.0.0.0:{spec.port}"
    assert deployed.get("METRICS_PORT") == (str(spec.metrics_port) if spec.metrics_port else None)
    assert container["expose"] == [str(port) for port in (spec.port, spec.metrics_port) if port]
    assert unit.address.startswith("127.0.0.1:")


@by_name
def test_health_is_asked_by_the_same_protocol(spec, containers):
    asked = containers[host(spec.name)]["healthcheck"]["test"]
    path = [spec.health_path] if spec.health == "http" else []
    assert asked == ["CMD", "python", "/opt/vitrine/probe.py", spec.health, f"127.0.0.1:{spec.port}", *path]


@by_name
def test_the_environment_has_the_same_variables(spec, filled, units):
    local, deployed = local_variables(units[spec.name], spec), deployed_variables(filled[host(spec.name)], spec)
    only_local = {name.removeprefix(spec.settings_prefix) for name in spec.local_environment} | set(spec.files)
    only_deployed = {name.removeprefix(spec.settings_prefix) for name in spec.deployed_environment} | ONLY_DEPLOYED
    assert local.keys() - only_local == deployed.keys() - only_deployed - {spec.shops_variable}
    for name in spec.calls:
        variable = f"{name.upper()}_ADDRESSES"
        assert deployed[variable] == f"{host(name)}:{TOPOLOGY.spec(name).port}"
    if spec.database:
        assert deployed["DATABASE_POOL_SIZE"] == local["DATABASE_POOL_SIZE"] == str(spec.pool_size)
    assert {name.upper() for name in spec.secrets} <= local.keys() & deployed.keys()


@by_name
def test_a_settings_object_knows_every_variable_and_misses_none(spec, filled, monkeypatch):
    kind = SETTINGS[spec.name]
    deployed = deployed_variables(filled[host(spec.name)], spec)
    assert {name.lower() for name in deployed} <= kind.model_fields.keys()
    for name, value in filled[host(spec.name)]["environment"].items():
        monkeypatch.setenv(name, value)
    read = kind()
    assert read.listen.endswith(f":{spec.port}")


@by_name
def test_libraries_are_told_the_same(spec, filled, units):
    local, deployed = units[spec.name].program().environment, filled[host(spec.name)]["environment"]
    assert spec.environment.items() <= local.items()
    assert spec.environment.items() <= deployed.items()


@by_name
def test_secrets_have_no_defaults(spec, containers):
    values = deployed_variables(containers[host(spec.name)], spec)
    for name in spec.secrets:
        assert values[name.upper()].startswith("${VITRINE_")
        assert ":?" in values[name.upper()]


def test_without_its_secrets_nothing_starts():
    needed = {name for name, default in variables(text()).items() if default is None}
    assert needed == set(SECRETS)
    for name in needed:
        with pytest.raises(VariableMissing, match=name):
            interpolated(text(), {each: value for each, value in SECRETS.items() if each != name})


def test_replicas_are_the_same(containers):
    for spec in TOPOLOGY.process:
        assert containers[host(spec.name)]["deploy"]["replicas"] == spec.replicas


def test_there_is_one_database_and_the_same_processes_use_it(filled, units):
    using = {spec.name for spec in OURS if spec.database}
    assert {name for name, unit in units.items() if (DATABASE, 0) in unit.waits_for} == using
    dsns = {
        filled[host(spec.name)]["environment"].get(f"{spec.settings_prefix}DATABASE_DSN")
        for spec in OURS
        if spec.database
    }
    assert dsns == {"postgresql://vitrine:database-password@postgresql:5432/vitrine"}
    assert f"max_connections={TOPOLOGY.database.max_connections}" in filled[DATABASE]["command"]
    assert f"shared_buffers={TOPOLOGY.database.shared_buffers_mb}MB" in filled[DATABASE]["command"]


def test_the_real_model_server_serves_on_the_embedded_ones_port_and_reads_the_rankers_list(containers):
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in containers["model-server"]["command"])
    assert int(flags["port"]) == TOPOLOGY.spec("model_server").port
    ranker = containers["ranker"]["environment"]
    assert flags["model_config_file"] == ranker["VITRINE_MODEL_LIST_PATH"]
    assert containers["model-list"]["environment"]["VITRINE_MODEL_LIST_PATH"] == ranker["VITRINE_MODEL_LIST_PATH"]
    assert containers["model-server"]["depends_on"] == {"model-list": {"condition": "service_completed_successfully"}}
    for name in ("ranker", "model-server", "model-list"):
        assert any(volume.split(":")[:2] == ["releases", "/work/releases"] for volume in containers[name]["volumes"])


def test_requests_are_not_batched_while_their_inputs_differ_in_the_first_dimension(containers):
    # TensorFlow Serving would join along the first dimension of all inputs, and refuses inputs that differ in it.
    first = {shape[0] for shape, _ in INPUTS.values()}
    assert len(first) > 1
    assert not any("batching" in flag for flag in containers["model-server"]["command"])


def test_the_server_speaks_the_protocol_of_the_pinned_messages(containers):
    version = containers["model-server"]["image"].rpartition(":")[2]
    assert f"tensorflow-serving-api=={version} " in (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_only_who_must_write_releases_can(containers):
    writable = {
        name
        for name, container in containers.items()
        for volume in container.get("volumes", ())
        if volume.startswith("releases:") and not volume.endswith(":ro")
    }
    assert writable == {"ranker", "model-list", "lab"}


@by_name
def test_a_container_may_do_no_more_than_it_must(spec, containers):
    container = containers[host(spec.name)]
    assert container["read_only"]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["tmpfs"] == ["/tmp"]
    published = [port["host_ip"] for port in container.get("ports", ())]
    assert published in ([], ["127.0.0.1"])


@by_name
def test_a_container_has_time_to_drain(spec, containers):
    grace_s = int(containers[host(spec.name)]["stop_grace_period"].removesuffix("s"))
    field = SETTINGS[spec.name].model_fields.get("drain_seconds")
    assert grace_s > (field.default if field is not None else 5)


def test_background_work_gives_way_to_every_other_container(containers):
    weighed = {name: container["cpu_shares"] for name, container in containers.items() if "cpu_shares" in container}
    assert weighed.keys() == {host(spec.name) for spec in TOPOLOGY.process if spec.background} == {"item-vision-worker"}
    assert max(weighed.values()) < 1_024
