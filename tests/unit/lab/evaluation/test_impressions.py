"""Clicks and purchases predicted from files of impressions, against a truth that is known."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from lab.commands import application
from lab.evaluation.impressions.figures import figures_of
from lab.evaluation.impressions.prediction import Learnt, Options, learn
from lab.evaluation.impressions.reading import Impressions, read_impressions
from lab.evaluation.tables import TableRefused
from tests.unit.lab.evaluation.logged import CURVE, Logged, simulate

QUICK = Options(candidates=("logistic", "trees"))
REQUESTS, TRAINED = 7_000, 6_000


@pytest.fixture(scope="module")
def logged() -> Logged:
    return simulate(REQUESTS)


@pytest.fixture(scope="module")
def learnt(logged: Logged, tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    path = logged.part(0, TRAINED).write(tmp_path_factory.mktemp("train") / "train.parquet")
    training = read_impressions(path, labelled=True)
    return learn(training, list(training.context), QUICK)


@pytest.fixture(scope="module")
def asked(logged: Logged, tmp_path_factory: pytest.TempPathFactory) -> Impressions:
    later = logged.part(TRAINED, REQUESTS).write(tmp_path_factory.mktemp("asked") / "asked.csv", labelled=False)
    return read_impressions(later, labelled=False)


def divergence(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean Kullback-Leibler divergence in nats: the log loss above that of the truth."""
    return float(np.mean(truth * np.log(truth / predicted) + (1 - truth) * np.log((1 - truth) / (1 - predicted))))


def test_probabilities_are_near_those_that_clicks_were_drawn_from(
    logged: Logged, learnt: Learnt, asked: Impressions
) -> None:
    truth = logged.part(TRAINED, REQUESTS)
    p_click, p_purchase = learnt.predict(asked)
    by_place = np.tile(truth.p_click.reshape(-1, len(CURVE)).mean(axis=0), len(truth.p_click) // len(CURVE))
    assert divergence(truth.p_click, p_click) < 0.3 * divergence(truth.p_click, by_place)
    assert np.corrcoef(truth.p_click, p_click)[0, 1] > 0.85
    assert np.corrcoef(truth.p_purchase, p_purchase)[0, 1] > 0.8
    assert (p_purchase < p_click).all()


def test_predicted_over_observed_is_near_one_overall_and_at_each_position(
    logged: Logged, learnt: Learnt, asked: Impressions
) -> None:
    truth = logged.part(TRAINED, REQUESTS).p_click.reshape(-1, len(CURVE)).sum(axis=0)
    predicted = learnt.predict(asked)[0].reshape(-1, len(CURVE)).sum(axis=0)
    assert predicted.sum() / truth.sum() == pytest.approx(1.0, abs=0.06)
    assert predicted / truth == pytest.approx(1.0, abs=0.1)


def test_examination_is_told_from_appeal_though_better_items_stand_higher(learnt: Learnt) -> None:
    assert learnt.statistics.curve == pytest.approx(CURVE / CURVE[0], abs=0.08)


def test_a_row_depends_on_its_own_request_alone(
    learnt: Learnt, asked: Impressions, logged: Logged, tmp_path: Path
) -> None:
    whole = learnt.predict(asked)
    few = logged.part(TRAINED + 400, TRAINED + 407).write(tmp_path / "few.parquet", labelled=False)
    alone = learnt.predict(read_impressions(few, labelled=False))
    rows = slice(400 * len(CURVE), 407 * len(CURVE))
    for together, apart in zip(whole, alone, strict=True):
        assert [f"{p:.8g}" for p in together[rows]] == [f"{p:.8g}" for p in apart]


def test_new_users_items_positions_and_missing_values_get_probabilities_too(learnt: Learnt, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text(
        "request_id,user_id,item_id,position,occurred_at,device,kind,price\n"
        "a,nobody,nothing,1,2026-03-05T12:00:00Z,fridge,,\n"
        "a,,i3,77,2026-03-05T12:00:00Z,phone,kind 1,1e9\n"
    )
    p_click, p_purchase = learnt.predict(read_impressions(path, labelled=False))
    assert np.isfinite(p_click).all()
    assert ((p_purchase > 0) & (p_purchase < p_click) & (p_click < 1)).all()


def test_the_report_tells_measures_with_intervals_and_predicted_over_observed(learnt: Learnt) -> None:
    positions = [str(position) for position in learnt.encoder.positions]
    figures = figures_of(learnt.held_out, {"position": positions})
    assert figures.measures["click_auc"].low < figures.measures["click_auc"].value < figures.measures["click_auc"].high
    assert figures.measures["click_auc"].value > 0.65
    assert figures.measures["click_log_loss_gain"].low > 0
    everything = next(each for each in figures.calibration if each.segment == "everything" and each.head == "click")
    assert everything.ratio.low < 1.0 < everything.ratio.high
    assert {"position 1", "position 2"} <= {each.segment for each in figures.calibration}
    json.dumps(figures.as_dict())


def test_what_a_row_is_told_of_its_own_values_does_not_depend_on_its_own_label(logged: Logged, tmp_path: Path) -> None:
    from lab.evaluation.impressions.encoding import learn_encoder
    from lab.evaluation.impressions.prediction import time_order
    from lab.evaluation.impressions.statistics import Statistics, learn_statistics

    training = read_impressions(logged.part(0, 400).write(tmp_path / "t.csv"), labelled=True)
    encoded = learn_encoder(training, list(training.context)).encode(training)
    order = time_order(encoded)
    statistics, before = learn_statistics(encoded, order)
    encoded.clicked[0] = not encoded.clicked[0]
    flipped, after = learn_statistics(encoded, order)
    same = Statistics(statistics.curve, statistics.seen_rate, statistics.buy_rate, flipped.mains, (), flipped.buys)
    assert same.mains[0].ratios.happened.sum() != statistics.mains[0].ratios.happened.sum()
    assert after.click_effects[0, :2] == pytest.approx(before.click_effects[0, :2], abs=0.02)


def test_few_clicks_give_rates_near_the_average_and_no_purchase_a_small_one(tmp_path: Path) -> None:
    few = simulate(2_000, seed=5, level=-6.2)
    assert 10 < few.p_click.sum() < 60
    table = few.table.set_column(few.table.column_names.index("purchased"), "purchased", pa.array([0] * 10_000))
    training = read_impressions(
        Logged(table, few.p_click, few.p_purchase).write(tmp_path / "few.csv.gz"), labelled=True
    )
    learnt = learn(training, list(training.context), QUICK)
    p_click, p_purchase = learnt.predict(training)
    assert p_click.sum() / training.clicked.sum() == pytest.approx(1.0, abs=0.3)
    assert p_click.max() < 0.2
    assert (p_purchase <= 0.2 * p_click).all()


def run(*arguments: object) -> str:
    result = CliRunner().invoke(application, ["evaluate", "impressions", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return " ".join(result.output.split())


def test_the_command_writes_every_row_in_order_and_the_same_bytes_for_the_same_seed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lab.evaluation.impressions.prediction.DEFAULT_CANDIDATES", ("logistic", "trees"))
    logged = simulate(500, seed=2)
    train = logged.part(0, 420).write(tmp_path / "train.csv.gz")
    asked = logged.part(420, 500).write(tmp_path / "asked.parquet", labelled=False)
    outputs = [tmp_path / f"{number}.csv.gz" for number in range(2)]
    for output in outputs:
        said = run("--train", train, "--impressions", asked, "--output", output, "--report", tmp_path / "r.json")
        assert "held out" in said
        assert "400 impressions predicted" in said
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    with gzip.open(outputs[0], "rt") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["request_id", "user_id", "item_id", "position", "p_click", "p_purchase"]
    assert [row["item_id"] for row in rows] == logged.part(420, 500).table["item_id"].to_pylist()
    assert json.loads((tmp_path / "r.json").read_text())["held_out"]["impressions"] > 0


HEADER = "request_id,user_id,item_id,position,occurred_at,clicked,purchased\n"
GOOD = "a,u,i,1,2026-01-01T00:00:00Z,1,0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not readable as CSV"),
        (HEADER, "no rows"),
        (HEADER.replace(",clicked", ""), "no column 'clicked'"),
        (HEADER + GOOD + GOOD.replace(",1,0", ",2,0"), "line 3: clicked '2' is neither 0 nor 1"),
        (HEADER + GOOD + GOOD.replace(",1,0", ",,0"), "line 3: clicked is missing"),
        (HEADER + GOOD.replace("i,1,", "i,first,"), "line 2: position 'first' is not a number"),
        (HEADER + GOOD.replace("i,1,", "i,-1,"), "line 2: position -1 is not a whole number from 0"),
        (HEADER + GOOD + GOOD.replace("a,u,i", "a,u,"), "line 3: item_id is missing"),
        (HEADER + GOOD + GOOD.replace("2026-01-01T00:00:00Z", "soon"), "line 3: occurred_at 'soon' is not a time"),
        (HEADER + GOOD + "a,u\n", "not readable as CSV"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_line_and_column(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(TableRefused, match=r"bad\.csv") as refused:
        read_impressions(path, labelled=True)
    assert message in str(refused.value)


def test_too_little_to_learn_from_is_said(tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text(HEADER + GOOD)
    training = read_impressions(path, labelled=True)
    with pytest.raises(TableRefused, match="1 requests; at least"):
        learn(training, [], QUICK)


def test_text_means_the_same_however_a_parquet_file_holds_it(logged: Logged, learnt: Learnt, tmp_path: Path) -> None:
    later = logged.part(TRAINED, TRAINED + 20)
    plain = read_impressions(later.write(tmp_path / "plain.csv", labelled=False), labelled=False)
    table = later.table
    for name in ("user_id", "item_id", "kind"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.large_string()))
    place = table.column_names.index("device")
    table = table.set_column(place, "device", table["device"].dictionary_encode())
    packed = Logged(table, later.p_click, later.p_purchase).write(tmp_path / "packed.parquet", labelled=False)
    for one, other in zip(learnt.predict(plain), learnt.predict(read_impressions(packed, False)), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "moment",
    ["2026-01-31T12:00:00Z", "2026-01-31 12:00:00", "2026-01-31 13:00:00+01:00", "1769860800", "1769860800000"],
)
def test_times_are_read_as_they_are_written(moment: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + GOOD.replace("2026-01-01T00:00:00Z", moment))
    assert read_impressions(path, labelled=True).occurred_us.tolist() == [1_769_860_800_000_000]
