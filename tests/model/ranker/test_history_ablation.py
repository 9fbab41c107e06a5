"""The fusion model's inputs judged on histories: what is known when, what is drawn, who is told to help."""

import gzip
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lab.evaluation.history_ablation.reading import HistoryLog, read_log
from lab.evaluation.history_ablation.rows import DrawConfig, history_rows
from lab.evaluation.history_ablation.study import WHOLE, Told, compare, learnt, told, variants_of
from lab.evaluation.history_ablation.targets import HELD_OUT, LEARNT, HistoriesTooShort, TargetConfig, divide
from services.ranker.model.configuration import FusionInputs
from services.ranker.model.features import FEATURE_NAMES
from services.user_profile.training.configuration import AutoencoderConfig

USERS, ITEMS, KINDS, STEPS = 400, 60, 6, 9
DRAW = DrawConfig(learnt=7, held_out=19)


@pytest.fixture(scope="module")
def log() -> HistoryLog:
    """Users stay with one kind of item; the kind is the items' category."""
    random = np.random.default_rng(1)
    kind = np.arange(ITEMS) % KINDS
    liked = random.integers(0, KINDS, USERS)
    items = [random.choice(np.flatnonzero(kind == each), STEPS) for each in liked]
    nothing = np.zeros(ITEMS, np.int32)
    return HistoryLog(
        users=np.repeat(np.arange(USERS), STEPS),
        items=np.concatenate(items).astype(np.int32),
        at_days=np.tile(np.arange(STEPS, dtype=np.float64), USERS),
        item_count=ITEMS,
        timed=False,
        attributes=((kind + 1).astype(np.int32), nothing, nothing),
    )


@pytest.fixture(scope="module")
def study(log: HistoryLog):
    return history_rows(log, lambda *_: None, draw=DRAW, users=AutoencoderConfig(max_epochs=2))


def test_each_users_last_deeds_are_told_and_only_what_came_before_all_of_them_is_known(log) -> None:
    divided = divide(log, TargetConfig(moments=2))
    steps = log.at_days[divided.targets.deeds].reshape(-1)
    for part, expected in ((LEARNT, {5.0, 6.0}), (1, {7.0}), (HELD_OUT, {8.0})):
        assert set(steps[divided.targets.parts == part]) == expected
    assert log.at_days[divided.known].max() == 4.0
    assert (log.at_days[divided.targets.befores] == steps).all()


def test_a_basket_is_one_moment_and_tells_nothing_of_itself() -> None:
    baskets = HistoryLog(
        users=np.zeros(10, np.int64),
        items=np.arange(10, dtype=np.int32),
        at_days=np.repeat(np.arange(5.0), 2),
        item_count=10,
        timed=True,
    )
    targets = divide(baskets, TargetConfig()).targets
    assert targets.deeds.tolist() == [4, 5, 6, 7, 8, 9]
    assert targets.befores.tolist() == [4, 4, 6, 6, 8, 8]
    assert len(divide(baskets, TargetConfig(per_moment=1)).targets.deeds) == 3


def test_histories_of_two_steps_are_refused_with_what_is_needed() -> None:
    short = HistoryLog(np.array([0, 0]), np.array([0, 1], np.int32), np.array([0.0, 1.0]), 2, timed=False)
    with pytest.raises(HistoriesTooShort, match="5 moments"):
        divide(short, TargetConfig())


def test_rows_hold_the_target_first_and_what_was_known_before_it(log, study) -> None:
    held_out = study.held_out
    assert held_out.request_count == USERS
    assert len(held_out) == USERS * 20
    targets = held_out.candidate_rows.reshape(-1, 20)
    last = log.items.reshape(USERS, STEPS)
    assert targets[:, 0].tolist() == last[:, -1].tolist()
    assert (targets[:, 1:] != targets[:, :1]).all()
    assert held_out.history_rows[:, -(STEPS - 1) :].tolist() == last[:, :-1].tolist()
    assert held_out.history_age_days[0, -1] == 1.0
    recency = held_out.candidate_features[:, FEATURE_NAMES.index("own_recency")].reshape(-1, 20)
    used = np.array([[row in own[:-1] for row in each] for own, each in zip(last, targets, strict=True)])
    assert recency[used].min() > recency[~used].max()
    assert study.rows.split_by_time(study.training.validation_share, 0.0)[1].request_count == USERS


def test_the_chance_of_a_draw_is_half_popularity_and_half_even(log, study) -> None:
    known = np.bincount(log.items[log.at_days <= 5.0], minlength=ITEMS)
    chance = 0.5 * known / known.sum() + 0.5 / ITEMS
    assert np.exp(study.held_out.log_q) == pytest.approx(chance[study.held_out.candidate_rows], rel=1e-4)


def test_kinds_that_users_stay_with_are_told_from_what_they_had(log, study) -> None:
    found = learnt(study, variants_of(log)[WHOLE], 20, lambda *_: None)
    blind = learnt(study, FusionInputs(*[False] * 6), 20, lambda *_: None)
    assert found.ndcg.mean() > blind.ndcg.mean() + 0.1
    assert found.log_loss.mean() < blind.log_loss.mean() - 0.1


def test_places_and_losses_are_those_of_the_first_row(study) -> None:
    scores = np.tile(np.arange(20.0), USERS)
    assert told(scores, study.held_out).ndcg.max() == 0.0
    assert told(-scores, study.held_out).ndcg.min() == 1.0
    certain = told(-1e3 * scores, study.held_out)
    assert certain.log_loss == pytest.approx(0.0, abs=1e-6)


def test_an_input_that_adds_nothing_is_named(log, study) -> None:
    variants = variants_of(log)
    assert set(variants) == {WHOLE, "without_user_embedding", "without_history", "without_attributes"}
    noise = np.random.default_rng(1).random(USERS)

    def learn(inputs: FusionInputs, seed: int) -> Told:
        worse = 0.5 * (not inputs.history)
        return Told(noise - worse, noise + worse)

    found = compare(study, variants, learn, seeds=(1, 2))
    assert found["does_not_help"] == ["user_embedding", "attributes"]
    assert found["gain"]["history"]["ndcg_10"]["low"] == pytest.approx(0.5)
    assert found["gain"]["history"]["log_loss"]["mean"] == pytest.approx(0.5)


def test_sequences_and_attributes_are_read_from_csv(tmp_path) -> None:
    with gzip.open(tmp_path / "s.csv.gz", "wt") as file:
        file.write("user_id,position,item_id\nu,1,b\nu,0,a\nv,0,b\n")
    (tmp_path / "a.csv").write_text("item_id,attribute_ids\na,broad|narrow\nb,broad\n")
    read = read_log(tmp_path / "s.csv.gz", tmp_path / "a.csv")
    assert (read.users.tolist(), read.items.tolist(), read.at_days.tolist()) == ([0, 0, 1], [0, 1, 1], [0, 1, 0])
    category, brand, _ = read.attributes
    assert brand[0] != brand[1]
    assert category[0] == brand[1]
    assert category[1] == 0
    assert not read.timed


def test_purchases_are_read_with_their_times_and_an_item_of_a_basket_once(tmp_path) -> None:
    monday = datetime(2017, 1, 2, 18)
    lines = [(f"h{user}", "p1", monday + timedelta(days=user)) for user in range(10)]
    lines += [("h0", "p1", monday), ("h0", "rare", monday)]
    users, items, times = zip(*lines, strict=True)
    table = {"user_id": users, "item_id": items, "occurred_at": pa.array(times, pa.timestamp("us"))}
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    described = {"item_id": ["p1"], "product_category": ["Milk"], "brand": [None], "department": ["Dairy"]}
    pq.write_table(pa.table(described), tmp_path / "i.parquet")
    read = read_log(tmp_path / "p.parquet", tmp_path / "i.parquet")
    assert len(read.items) == 10
    assert read.item_count == 1
    assert read.timed
    assert (read.at_days[0] % 7.0) == pytest.approx(0.75)
    assert [codes.tolist() for codes in read.attributes] == [[1], [0], [1]]
