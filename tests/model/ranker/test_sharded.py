"""Own embeddings in shards, updated by rows: the same model; and the configuration of a billion made small."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from lab.evaluation.large import LargeRun, large_config, run_large
from services.ranker.model.export import answer_in_python, export_fusion
from services.ranker.model.fusion import FusionModel, build_fusion
from services.ranker.model.gate import check_export, random_request
from services.ranker.model.signature import CLICK
from services.ranker.training.fusion import train_one_step
from services.ranker.training.updates import LEAST_ROOT, RowwiseAdagrad
from tests.model.ranker.shop import SMALL, impressions, item_table

ITEMS = 50
TABLE = item_table(ITEMS)
STILL = replace(SMALL, dropout=0.0, id_dropout=0.0)


def pair(shards: int, **fields) -> tuple[FusionModel, FusionModel]:
    """A model with its own embeddings in one table, and the same model with them in shards."""
    whole = build_fusion(TABLE, replace(STILL, **fields))
    parts = build_fusion(TABLE, replace(STILL, id_shards=shards, **fields))
    table = whole.items.own.shards[0].numpy()
    kept = {weight.path: weight for weight in whole.weights}
    for weight in parts.weights:
        if weight.path in kept and tuple(weight.shape) == tuple(kept[weight.path].shape):
            weight.assign(kept[weight.path])
    for number, shard in enumerate(parts.items.own.shards):
        shard.assign(table[number::shards])
    return whole, parts


def own_table(model: FusionModel) -> np.ndarray:
    table = np.zeros((ITEMS, SMALL.id_size), np.float32)
    shards = model.items.own.shards
    for number, shard in enumerate(shards):
        table[number :: len(shards)] = shard.numpy()
    return table


@pytest.mark.parametrize("shards", [2, 7, ITEMS])
def test_shards_answer_what_one_table_answers(shards):
    whole, parts = pair(shards)
    assert sum(shard.shape[0] for shard in parts.items.own.shards) == ITEMS
    rows = tf.constant([[0, 49, 7], [7, 13, 0]])
    assert (parts.items.own(rows).numpy() == whole.items.own.shards[0].numpy()[rows.numpy()]).all()
    request = random_request(np.random.default_rng(1), ITEMS, 30, 2)
    assert np.allclose(answer_in_python(parts)(request)[CLICK], answer_in_python(whole)(request)[CLICK], atol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_step_moves_shards_as_it_moves_one_table(sparse):
    rows, _ = impressions(TABLE, requests=12, per_request=4, seed=2)
    whole, parts = pair(3, sparse_ids=sparse)
    losses = [train_one_step(model, rows) for model in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert np.allclose(own_table(whole), own_table(parts), atol=1e-5)
    request = random_request(np.random.default_rng(1), ITEMS, 30, 0)
    assert np.allclose(answer_in_python(parts)(request)[CLICK], answer_in_python(whole)(request)[CLICK], atol=1e-4)


def test_a_sparse_step_leaves_untouched_rows_alone():
    rows, _ = impressions(item_table(20), requests=6, per_request=4, seed=2)
    model = build_fusion(TABLE, replace(STILL, id_shards=4, sparse_ids=True))
    before = own_table(model)
    train_one_step(model, rows)
    moved = np.flatnonzero((own_table(model) != before).any(axis=1))
    touched = set(rows.candidate_rows.tolist()) | set(rows.history_rows[rows.history_rows >= 0].tolist())
    assert set(moved.tolist()) == touched


def test_rowwise_adagrad_is_that_of_the_formula():
    table = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3))

    class Weight:
        value, shape = table, table.shape

    updates = RowwiseAdagrad([Weight()], 0.1)
    expected, sums = table.numpy().copy(), np.zeros(4)
    for rows, values in (([2, 0, 2], [[1, 0, 2], [3, 3, 3], [1, 1, 1]]), ([2], [[0, 2, 0]])):
        updates.apply([tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant(rows))])
        slope = np.zeros((4, 3))
        np.add.at(slope, rows, np.array(values, float))
        sums += (slope**2).mean(axis=1)
        expected -= 0.1 * slope / (np.sqrt(sums) + LEAST_ROOT)[:, None]
    assert np.allclose(table.numpy(), expected, atol=1e-5)


def test_vectors_that_are_computed_at_each_request_pass_the_gate(tmp_path):
    model = build_fusion(TABLE, replace(STILL, precomputed=False, id_shards=3))
    export_fusion(model, tmp_path / "1", [], "fusion-test")
    assert check_export(tmp_path / "1", model.serve, ITEMS, explain=model.explain) < 1e-5


def test_the_large_configuration_made_small_is_built_trained_exported_and_run(tmp_path):
    found = run_large(LargeRun(items=3_000, shards=4, folder=tmp_path / "1"), lambda *_: None)
    assert found["parameters"] > 3_000 * 64
    assert 0 < found["rows_touched"] <= 3_000
    assert np.isfinite(found["loss"])
    assert large_config(16).id_shards == 16


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="id_shards"):
        replace(SMALL, id_shards=0)
    with pytest.raises(ValueError, match="An item needs"):
        replace(SMALL, id_size=0, inputs=replace(SMALL.inputs, image=False, text=False, attributes=False))
