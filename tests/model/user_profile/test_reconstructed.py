"""An autoencoder of part of a large catalogue: it reconstructs the most used items, and reads all of them."""

import numpy as np
import pytest

from services.user_profile.model.interactions import InteractionVector, Weighting
from services.user_profile.training import autoencoder
from services.user_profile.training.configuration import AutoencoderConfig
from services.user_profile.training.interaction_matrix import InteractionMatrix
from services.user_profile.training.reconstructed import Reconstructed


def vector(*rows: int) -> InteractionVector:
    return InteractionVector(np.array(rows, np.int32), np.full(len(rows), len(rows) ** -0.5, np.float32))


USERS = [vector(0, 2, 4), vector(2, 4, 5), vector(2, 5), vector(3)]


def test_the_items_of_most_users_are_reconstructed_and_ties_go_to_the_lower_row() -> None:
    matrix = InteractionMatrix.of(USERS, 7)
    assert Reconstructed.most_used(matrix, 3).rows.tolist() == [2, 4, 5]
    assert Reconstructed.most_used(matrix, 4).rows.tolist() == [0, 2, 4, 5]
    assert Reconstructed.most_used(matrix, 7).everything


def test_users_keep_only_what_is_reconstructed() -> None:
    matrix = Reconstructed.most_used(InteractionMatrix.of(USERS, 7), 3).restrict(InteractionMatrix.of(USERS, 7))
    assert matrix.item_count == 3
    assert [
        matrix.columns[start:end].tolist() for start, end in zip(matrix.starts, matrix.starts[1:], strict=False)
    ] == [
        [0, 1],
        [0, 1, 2],
        [0, 2],
    ]


def test_an_item_left_out_is_read_as_its_group_or_as_all() -> None:
    kept = Reconstructed(np.array([2, 4, 5]), 7)
    kernel = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 6.0]], np.float32)
    groups = np.array([1, 1, 1, 2, 1, 3, 3], np.int32)
    whole, bias = kept.widen((kernel, np.zeros(2, np.float32)), groups)
    assert whole[[2, 4, 5]].tolist() == kernel.tolist()
    assert whole[0].tolist() == [2.0, 0.0]  # the mean of items 2 and 4
    assert whole[6].tolist() == [0.0, 6.0]  # of item 5
    assert whole[3].tolist() == pytest.approx(kernel.mean(axis=0).tolist())  # nobody of its group
    assert bias.tolist() == [0.0, 0.0]


def test_a_user_of_any_one_item_has_an_embedding_of_their_own() -> None:
    random = np.random.default_rng(1)
    users = [vector(*np.sort(random.choice(30, 6, replace=False) + 30 * (number % 2))) for number in range(60)]
    config = AutoencoderConfig(hidden=(16,), most_items=20, max_epochs=2)
    groups = (np.arange(70) // 35).astype(np.int32)
    trained = autoencoder.train(users, 70, config, Weighting(), groups=groups)
    assert trained.metrics["reconstructed_items"] == 20.0
    assert trained.encoder.item_count == 70
    embeddings = trained.encoder.encode_many([vector(row) for row in range(70)])
    assert np.isfinite(embeddings).all()
    assert (np.abs(embeddings).sum(axis=1) > 0).all()
    assert not np.allclose(embeddings[69], embeddings[0])
