"""Training by several processes gives what one process gives."""

from dataclasses import replace

import numpy as np
import pytest

from services.ranker.model.export import answer_in_python
from services.ranker.model.gate import random_request
from services.ranker.model.signature import CLICK
from services.ranker.training.fusion import TrainingConfig, train_fusion
from services.ranker.training.together import Job, WorkersFailed, read_job, train_together, write_job
from tests.model.ranker.shop import SMALL, impressions, item_table

ITEMS = 60
TABLE = item_table(ITEMS)
# Dropout draws other numbers on each replica; without it nothing is random but the order of the batches.
STILL = replace(SMALL, dropout=0.0, id_dropout=0.0)
TRAINING = TrainingConfig(epochs=1, batch_size=32, validation_share=0.2, held_out_share=0.2)


def job(**fields) -> Job:
    rows, _ = impressions(TABLE, requests=160, per_request=6)
    return Job(rows, TABLE, STILL, replace(TRAINING, **fields))


def test_two_processes_give_the_model_of_one():
    given, told = job(), []
    together = train_together(given, 2, lambda *what: told.append(what))
    alone = train_fusion(given.rows, given.table, given.config, given.training)
    for one, other in zip(alone.model.get_weights(), together.model.get_weights(), strict=True):
        assert np.allclose(one, other, atol=2e-3)
    request = random_request(np.random.default_rng(1), ITEMS, 40, 0)
    answers = [answer_in_python(each.model)(request)[CLICK] for each in (alone, together)]
    assert np.allclose(*answers, atol=2e-3)
    for name in ("held_out.click_auc", "held_out.click_log_loss"):
        assert together.metrics[name] == pytest.approx(alone.metrics[name], abs=5e-3)
    assert [what[1:] for what in told] == [(1, 1)]
    assert together.examination.curves.keys() == alone.examination.curves.keys()


def test_a_process_that_cannot_go_on_ends_all_and_says_why():
    with pytest.raises(WorkersFailed, match="cannot be dealt out to 2 replicas"):
        train_together(job(batch_size=31), 2)


def test_a_job_comes_back_as_it_was_written(tmp_path):
    given = job()
    write_job(tmp_path, given)
    again = read_job(tmp_path)
    assert (again.config, again.training) == (given.config, given.training)
    assert (again.rows.candidate_features == given.rows.candidate_features).all()
    assert again.rows.log_q is None
    assert (again.table.warm == given.table.warm).all()
