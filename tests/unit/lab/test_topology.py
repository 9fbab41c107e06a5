"""The list of processes, and the plan made from it."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.supervisor.plan import Plan, PlanOptions
from lab.supervisor.ports import Ports, is_free
from lab.supervisor.topology import DATABASE, Topology, TopologyBroken, load_topology


def plan(work: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Plan:
    monkeypatch.delenv("VITRINE_DATABASE_DSN", raising=False)
    given = PlanOptions(options.get("replicas", {}), options.get("environment", {}), free_ports=True)
    return Plan(work, load_topology(), given, lambda _line: None)


def test_the_list_holds_every_process_of_the_house() -> None:
    topology = load_topology()
    names = {spec.name for spec in topology.process}
    assert names == {
        "model_server", "user_profile", "item_vision", "item_vision_worker", "ranker", "page_composer", "storefront",
    }  # fmt: skip
    for spec in topology.process:
        module = spec.command[1].replace(".", "/")
        root = Path(__file__).parents[3]
        assert (root / module / "__main__.py").exists(), spec.name


def test_pools_fit_into_the_database_with_two_replicas_of_everything() -> None:
    topology = load_topology()
    topology.check_connections({spec.name: 2 for spec in topology.process})
    with pytest.raises(TopologyBroken, match="connections are needed"):
        topology.check_connections({"user_profile": 20})


@pytest.mark.parametrize(
    ("processes", "problem"),
    [
        ([{"name": "a", "command": []}, {"name": "a", "command": []}], "listed twice"),
        ([{"name": "a", "command": [], "depends_on": ["b"]}, {"name": "b", "command": []}], "must be listed before"),
        ([{"name": "a", "command": [], "prot": 1}], "prot"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, processes: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Topology.model_validate({"process": processes})
    (tmp_path / "broken.toml").write_text("[[process]]\nname = 3\n", encoding="utf-8")
    with pytest.raises(TopologyBroken, match=r"broken\.toml"):
        load_topology(tmp_path / "broken.toml")


def test_what_a_process_needs_comes_with_it() -> None:
    chain = [
        {"name": "a", "command": []},
        {"name": "b", "command": [], "depends_on": ["a"]},
        {"name": "c", "command": []},
    ]
    specs = Topology.model_validate({"process": chain}).with_what_they_need(["b"])
    assert [spec.name for spec in specs] == ["a", "b"]
    with pytest.raises(TopologyBroken, match="there are: model_server"):
        load_topology().with_what_they_need(["shop"])


def test_every_process_is_told_what_it_needs_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(tmp_path, monkeypatch, replicas={"user_profile": 2})
    by_label = {unit.label: unit for unit in made.units()}
    told = by_label["user_profile[1]"].program().environment
    assert told["VITRINE_LISTEN"] == by_label["user_profile[1]"].address
    assert "VITRINE_RANKER_ADDRESSES" not in told
    composer = by_label["page_composer"].program().environment
    assert composer["VITRINE_USER_PROFILE_ADDRESSES"].count(",") == 1
    assert told["VITRINE_RELEASES_DIR"] == str(tmp_path / "releases")
    assert told["VITRINE_DATABASE_DSN"] == made.dsn
    assert len(told["VITRINE_PSEUDONYM_KEY"]) >= 32
    ranker = by_label["ranker"].program().environment
    assert "VITRINE_PSEUDONYM_KEY" not in ranker
    assert "VITRINE_DATABASE_DSN" not in ranker
    storefront = by_label["storefront"].program().environment
    assert storefront["VITRINE_STOREFRONT_LISTEN"] == by_label["storefront"].address
    assert "VITRINE_STOREFRONT_DEMO_USERS_PATH" not in storefront
    assert "VITRINE_STOREFRONT_SHOPS" not in storefront
    assert storefront["VITRINE_STOREFRONT_MEDIA_FOLDERS"] == f'{{"boutique": "{tmp_path}/boutique"}}'


def test_files_and_shops_are_told_once_they_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(tmp_path, monkeypatch)
    storefront = next(unit for unit in made.units() if unit.name == "storefront")
    (tmp_path / "demo-users.txt").write_text("u1\n", encoding="utf-8")
    for place, shop in enumerate(("apparel", "boutique")):
        labels = tmp_path / "releases" / shop / "labels.json"
        labels.parent.mkdir(parents=True)
        labels.write_text("{}", encoding="utf-8")
        os.utime(labels, (1_000 + place, 1_000 + place))
    told = storefront.program().environment
    assert told["VITRINE_STOREFRONT_DEMO_USERS_PATH"] == str(tmp_path / "demo-users.txt")
    assert told["VITRINE_STOREFRONT_SHOPS"] == "boutique,apparel"


def test_another_database_needs_no_server_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(tmp_path, monkeypatch, environment={"VITRINE_DATABASE_DSN": "postgresql://db.example/vitrine"})
    assert made.postgres is None
    assert DATABASE not in {unit.name for unit in made.units()}
    profile = next(unit for unit in made.units() if unit.name == "user_profile")
    assert profile.waits_for == []
    assert profile.program().environment["VITRINE_DATABASE_DSN"] == "postgresql://db.example/vitrine"
    assert profile.program().arguments[0] == sys.executable


def test_ports_are_given_once() -> None:
    ports = Ports()
    given = {ports.take(0) for _ in range(20)}
    assert len(given) == 20
    first = given.pop()
    assert ports.take(first) != first
    assert is_free(first)
