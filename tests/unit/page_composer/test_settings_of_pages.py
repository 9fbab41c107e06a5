import re
import shutil

import numpy as np
import pytest

from services.page_composer.examination import Examination, read_examination
from services.page_composer.experiments import Arm, Experiment, assign
from services.page_composer.merchandise_feed import with_known_weights
from services.page_composer.rules.segment import Period
from services.page_composer.trace import Trace
from services.page_composer.visit import Device
from services.page_composer.weighing import WEIGHTS_FOLDER, read_posterior, read_weights, weight_names
from services.page_composer.weights_folder import WeightsFolder
from tests.unit.page_composer.shop import NOW_S, visit


def test_weights_are_changed_by_their_public_names_and_say_so():
    weights = read_weights()
    changed = weights.changed({"coverage.brand": 2.0, "w_click": 1.0}, "test:b")
    assert (changed.coverage_brand, changed.w_click, changed.w_purchase) == (2.0, 1.0, weights.w_purchase)
    assert changed.version == f"{weights.version}+test:b"
    assert weights.changed({}, "test:a") is weights
    with pytest.raises(KeyError):
        weights.changed({"w_wish": 1.0}, "test:c")
    assert {"w_click", "w_purchase", "coverage.brand", "explore.temperature"} <= set(weight_names())
    assert "version" not in weight_names()


def test_the_posterior_takes_in_what_is_known_without_knowing_the_visitor():
    posterior = read_posterior()
    at_a_desk = posterior.of(visit())
    assert posterior.of(visit(device=Device.PHONE))["continue_browsing"] > at_a_desk["continue_browsing"]
    assert posterior.of(visit(channel="email"))["campaign_items"] > at_a_desk["campaign_items"]
    assert posterior.of(visit(referrer="https://search.example"))["popular"] > at_a_desk["popular"]


def test_changed_weights_come_into_force_and_broken_ones_do_not(tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS_FOLDER, folder)
    watched = WeightsFolder(folder)
    assert not watched.look()
    selection = (folder / "selection.yaml").read_text("utf-8")
    (folder / "selection.yaml").write_text(re.sub(r"w_click: [0-9.]+", "w_click: 0.0625", selection), "utf-8")
    assert watched.look()
    assert watched.weights().w_click == 0.0625
    (folder / "selection.yaml").write_text("w_click: many\n", "utf-8")
    assert not watched.look()
    assert watched.weights().w_click == 0.0625


def test_examination_falls_off_and_ends_at_the_edge_of_its_curve():
    prior = Examination()
    rows, columns = np.array([0, 0, 3]), np.array([0, 5, 0])
    for device in Device:
        seen = prior.probability(device, rows, columns)
        assert seen[0] == 1.0
        assert seen[1] < 1.0
        assert seen[2] < 1.0
    read = read_examination({"curves": {"1": [[0.9, 0.5], [0.4, 0.2]]}})
    assert read.probability(Device.DESKTOP, np.array([0, 7]), np.array([1, 9])).tolist() == [0.5, 0.2]
    assert read.probability(Device.PHONE, rows, columns)[0] == 1.0
    with pytest.raises(ValueError, match="DESKTOP"):
        read_examination({"curves": {"1": [[0.0]]}})


def test_arms_are_assigned_by_hash_within_their_shares():
    experiment = Experiment("e", (Arm("a", 0.1), Arm("b", 0.4)))
    arms = [assign([experiment], visit(user_id=f"user-{number}")) for number in range(2_000)]
    counts = {name: sum(each[0].arm.arm_id == name for each in arms if each) for name in "ab"}
    assert 140 <= counts["a"] <= 260
    assert 700 <= counts["b"] <= 900
    assert assign([experiment], visit(user_id="", session_id="")) == []
    assert assign([Experiment("e", (Arm("a", 1.0),), Period(NOW_S + 1))], visit()) == []


def test_a_trace_times_stages_and_names_each_lack_once():
    ticks, cpu_ticks = iter([1.0, 1.25]), iter([0.5, 0.625])
    trace = Trace(lambda: next(ticks), lambda: next(cpu_ticks))
    with trace.stage("select"):
        pass
    for cause in ("timeout", "internal"):
        trace.missing("ranker", cause, "item_index")
    trace.missing("user_profile", "overloaded", "anonymous_visit")
    assert trace.timings == [("select", 250_000, 125_000)]
    assert [(each.dependency, each.cause) for each in trace.degraded] == [
        ("ranker", "timeout"),
        ("user_profile", "unavailable"),
    ]


def test_a_kept_experiment_loses_weights_that_no_longer_exist():
    experiment = Experiment("e", (Arm("a", 0.5, weights={"w_click": 1.0, "w_wish": 2.0}), Arm("b", 0.5)))
    assert with_known_weights(experiment).arms == (Arm("a", 0.5, weights={"w_click": 1.0}), Arm("b", 0.5))
