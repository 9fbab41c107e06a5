"""Ratings of all pairs, from ratings that users chose to give more often where they liked the item."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lab.commands import application
from lab.evaluation.ratings import choosing, exposure
from lab.evaluation.ratings.choosing import Choosing, predict_all
from lab.evaluation.ratings.exposure import learn_exposure
from lab.evaluation.ratings.factorisation import FactorisationConfig, factorise
from lab.evaluation.ratings.reading import RatingLog, read_ratings
from lab.evaluation.ratings.study import debiasing
from lab.evaluation.tables import TableRefused

USERS, ITEMS = 80, 60
QUICK = Choosing(grid={"weight_power": (0.5,)})


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    random = np.random.default_rng(4)
    vectors = random.normal(0, 0.6, (USERS, 2)) @ random.normal(0, 0.8, (2, ITEMS))
    biases = random.normal(0, 0.6, (USERS, 1)) + random.normal(0, 0.5, (1, ITEMS))
    return 2.8 + biases + vectors


@pytest.fixture(scope="module")
def log(truth: np.ndarray) -> RatingLog:
    """What is liked is rated oftener, by known chances."""
    random = np.random.default_rng(5)
    rated = np.clip(np.round(truth + random.normal(0, 0.6, truth.shape)), 1, 5)
    chance = np.clip(0.02 * 2.2**rated, 0, 0.7)
    users, items = np.nonzero(random.random(truth.shape) < chance)
    names = [[f"{kind}{number}" for number in range(count)] for kind, count in (("u", USERS), ("i", ITEMS))]
    return RatingLog(users, items, rated[users, items], chance[users, items], *names)


def error(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((predicted - np.clip(truth, 1, 5)) ** 2))


def test_weighting_by_propensities_comes_nearer_to_the_truth_of_random_pairs(log: RatingLog, truth: np.ndarray) -> None:
    quick = Choosing(grid={"weight_power": (0.5, 1.0), "vector": (0.2, 0.4)})
    weighted = predict_all(log, quick)
    naive = predict_all(log.without_propensities(), quick)
    assert error(weighted, truth) < 0.75 * error(naive, truth)
    assert error(weighted, truth) < 0.6 * float(np.var(np.clip(truth, 1, 5)))
    assert ((weighted >= 1) & (weighted <= 5)).all()


def test_the_estimates_see_the_difference_before_random_pairs_do(
    log: RatingLog,
) -> None:
    found = debiasing(log, QUICK)
    assert found.gain is not None
    assert found.with_propensities is not None
    assert found.gain.low > 0
    assert found.gain.value == pytest.approx(found.without_propensities.value - found.with_propensities.value)
    assert found.with_propensities.value < found.average_rating.value
    assert found.weighted is not None
    assert debiasing(log.without_propensities(), QUICK).gain is None


def test_vectors_help_where_tastes_differ(log: RatingLog, truth: np.ndarray) -> None:
    biases = factorise(log, FactorisationConfig(rank=0)).predict()
    vectors = factorise(log, FactorisationConfig(rank=4, vector=0.5)).predict()
    assert error(vectors, truth) < error(biases, truth)


def test_exposure_is_completed_to_pairs_that_nobody_rated(log: RatingLog) -> None:
    exposure = learn_exposure(log)
    assert exposure is not None
    assert exposure.shape == log.shape
    assert exposure.mean(axis=1) == pytest.approx(0.0, abs=1e-9)
    assert log.propensities is not None
    known = np.log(log.propensities)
    means = np.bincount(log.users, known, USERS) / np.bincount(log.users, minlength=USERS)
    assert np.corrcoef(exposure[log.users, log.items], known - means[log.users])[0, 1] > 0.8
    assert learn_exposure(log.without_propensities()) is None


def test_weights_are_cut_and_tempered_but_stay_one_on_average(log: RatingLog) -> None:
    from lab.evaluation.ratings.factorisation import effective_weights

    cut = effective_weights(log, FactorisationConfig(weight_power=0.5, most_weight=3.0))
    assert cut.mean() == pytest.approx(1.0)
    assert cut.max() / cut.min() < log.weights.max() / log.weights.min()
    assert effective_weights(log, FactorisationConfig(weight_power=0.0)) == pytest.approx(1.0)


def write(log: RatingLog, path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "item", "rating", "chance"])
        columns = (log.users.tolist(), log.items.tolist(), log.ratings.tolist(), log.propensities.tolist())
        writer.writerows(
            (log.user_names[u], log.item_names[i], rating, chance)
            for u, i, rating, chance in zip(*columns, strict=True)
        )
    return path


def test_the_command_writes_all_pairs_the_same_for_the_same_seed(
    log: RatingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "GRID", {"vector": (0.3,)})
    monkeypatch.setattr(exposure, "_COMPLETION", replace(exposure._COMPLETION, sweeps=4))
    train, outputs = write(log, tmp_path / "t.csv"), [tmp_path / f"{number}.csv" for number in range(2)]
    for output in outputs:
        result = CliRunner().invoke(
            application,
            ["evaluate", "ratings", "--train", str(train), "--output", str(output), "--propensity-column", "chance"],
        )
        assert result.exit_code == 0, result.output
        assert "gain, paired" in result.output
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    rows = list(csv.DictReader(outputs[0].read_text().splitlines()))
    assert len({(row["user"], row["item"]) for row in rows}) == len(rows) == len(set(log.users)) * len(set(log.items))
    assert all(1 <= float(row["prediction"]) <= 5 for row in rows)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u,i,good,.5", "line 22: rating 'good' is not a number"),
        ("u,i,,.5", "line 22: rating is missing"),
        ("u,i,3,0", "line 22: chance 0 is no probability above 0"),
        ("u,i,3,1.5", "line 22: chance 1.5 is no probability"),
        (",i,3,.5", "line 22: user is missing"),
    ],
)
def test_a_bad_file_is_refused_by_line_and_column(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("user,item,rating,chance\n" + "a,b,3,.2\n" * 20 + line + "\n")
    with pytest.raises(TableRefused, match=r"bad\.csv") as refused:
        read_ratings(path, "chance")
    assert message in str(refused.value)


def test_a_propensity_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating\na,b,3\n")
    with pytest.raises(TableRefused, match="no column 'chance'"):
        read_ratings(path, "chance")
