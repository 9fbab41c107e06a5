"""Training rows of histories: each target beside items that were drawn, with what was known before it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluation.fusion_rows import FusionRows
from lab.evaluation.history_ablation.reading import HistoryLog
from lab.evaluation.history_ablation.targets import HELD_OUT, VALIDATION, Divided, TargetConfig, divide
from services.ranker.model.configuration import ItemTable
from services.ranker.model.features import FEATURE_NAMES, stack_visitor_tensors, visitor_tensors
from services.ranker.model.normalisation import Normalisation, fit_normalisation
from services.ranker.model.signature import CONTENT_SIZE, FEATURE_COUNT, HISTORY_LENGTH, Tensors
from services.ranker.training.fusion import TrainingConfig
from services.ranker.training.rows import ImpressionRows
from services.ranker.visitor import RecentAction, Situation, Visitor
from services.ranker.vocabulary import Vocabulary
from services.user_profile.actions import Action
from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting
from services.user_profile.training import autoencoder
from services.user_profile.training.configuration import AutoencoderConfig

Progress = Callable[[str, int, int], None]

DEED = int(Action.PURCHASE)
"""What every deed counts as."""
AUTOENCODER = AutoencoderConfig(max_epochs=6)
"""A release's, with fewer epochs: one over 22,000 users takes as many steps as seven over those of a demo's shop."""
WARM_DEEDS = 5
"""Items with fewer known deeds have no embedding of their own, as in a release."""
HOURS = 24.0


@dataclass(frozen=True)
class DrawConfig:
    """Items that stand beside a target: half of them drawn by popularity, half of them evenly."""

    learnt: int = 15
    """Beside each target that is learnt, or validated by."""
    held_out: int = 49
    """Beside each target that is judged on."""
    seed: int = 20
    """Of the draw."""


def history_rows(
    log: HistoryLog,
    progress: Progress,
    targets: TargetConfig | None = None,
    draw: DrawConfig | None = None,
    users: AutoencoderConfig | None = None,
) -> FusionRows:
    """Rows as for a shop without impressions, split so that the last moments are held out.

    Raises: HistoriesTooShort; ValueError when there are too few users to learn an autoencoder from.
    """
    divided = divide(log, targets or TargetConfig())
    encoder = _encoder(log, divided, users or AUTOENCODER, progress)
    popularity = np.bincount(log.items[divided.known], minlength=log.item_count).astype(np.float64)
    candidates, log_q, offsets = _candidates(log, divided, popularity, draw or DrawConfig())
    visitors, recency = _visitors(log, divided, encoder, candidates, offsets, progress)
    raw = np.zeros((len(candidates), FEATURE_COUNT))
    raw[:, FEATURE_NAMES.index("popularity_30d")] = np.log1p(popularity[candidates])
    raw[:, FEATURE_NAMES.index("own_recency")] = recency
    parts, owners = divided.targets.parts, log.users[divided.targets.deeds]
    neutral = Normalisation({}, 0.0, [0.0] * FEATURE_COUNT, [1.0] * FEATURE_COUNT)
    learnt = int(offsets[np.searchsorted(parts, VALIDATION)])
    clicked = np.zeros(len(candidates), np.bool_)
    clicked[offsets[:-1]] = True
    nowhere = np.zeros(len(candidates), np.int32)
    rows = ImpressionRows(
        **visitors,
        users=owners.astype(np.int32),
        devices=np.ones(len(owners), np.int32),
        occurred_at=parts,
        offsets=offsets,
        candidate_rows=candidates,
        candidate_features=fit_normalisation(neutral, raw[:learnt], (), ()).standardise(raw),
        page_rows=nowhere,
        page_columns=nowhere,
        clicked=clicked,
        purchased=np.zeros(len(candidates), np.bool_),
        log_q=log_q,
    )
    shares = {part: float((parts == part).mean()) for part in (VALIDATION, HELD_OUT)}
    training = TrainingConfig(validation_share=shares[VALIDATION], held_out_share=shares[HELD_OUT])
    return FusionRows(rows, _item_table(log, popularity), training)


def _item_table(log: HistoryLog, popularity: NDArray[np.float64]) -> ItemTable:
    unknown = np.zeros(log.item_count, np.int32)
    category, brand, third = log.attributes or (unknown, unknown, unknown)
    content = np.zeros((log.item_count, CONTENT_SIZE), np.float32)
    return ItemTable(content, category, brand, third, popularity >= WARM_DEEDS)


def _encoder(log: HistoryLog, divided: Divided, config: AutoencoderConfig, progress: Progress) -> Encoder:
    weighting = Weighting()
    deeds = np.flatnonzero(divided.known)
    starts = np.flatnonzero(np.diff(log.users[deeds], prepend=-1))
    vectors = [_vector(log, part, log.at_days[part[-1]], weighting) for part in np.split(deeds, starts[1:])]

    def show(epoch: int, most: int, ndcg: float) -> None:
        progress(f"user autoencoder, held-out NDCG@100 {ndcg:.3f}", epoch, most)

    groups = None if log.attributes is None else log.attributes[0]
    several = [vector for vector in vectors if len(vector) > 1]
    return autoencoder.train(several, log.item_count, config, weighting, show, groups).encoder


def _vector(log: HistoryLog, deeds: NDArray[np.int64], at_days: float, weighting: Weighting) -> InteractionVector:
    weights = weighting.discounted(np.full(len(deeds), DEED), at_days - log.at_days[deeds])
    return weighting.vector(log.items[deeds], weights)


def _candidates(
    log: HistoryLog, divided: Divided, popularity: NDArray[np.float64], config: DrawConfig
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """`[rows]` each target before what was drawn beside it, the log of each one's chance to be drawn, and offsets."""
    targets = divided.targets
    counts = np.where(targets.parts == HELD_OUT, config.held_out, config.learnt) + 1
    offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
    chance = 0.5 * popularity / popularity.sum() + 0.5 / len(popularity)
    random = np.random.default_rng(config.seed)
    drawn = random.choice(len(chance), int(offsets[-1]), p=chance).astype(np.int32)
    own = np.repeat(log.items[targets.deeds], counts)
    while (same := np.flatnonzero(drawn == own)).size:
        drawn[same] = random.choice(len(chance), len(same), p=chance)
    drawn[offsets[:-1]] = log.items[targets.deeds]
    return drawn, np.log(chance[drawn]).astype(np.float32), offsets


def _visitors(
    log: HistoryLog,
    divided: Divided,
    encoder: Encoder,
    candidates: NDArray[np.int32],
    offsets: NDArray[np.int64],
    progress: Progress,
) -> tuple[Tensors, NDArray[np.float64]]:
    """What is known of each target's user, as serving would build it, and `[rows]` own recency of the candidates."""
    targets = divided.targets
    names = [str(row) for row in range(log.item_count)]
    vocabulary = Vocabulary(names, names, [], [], [], [])
    nothing = Normalisation({}, 0.0, [], [])
    built, recency = [], np.zeros(len(candidates))
    newest = np.full(log.item_count, np.inf)
    for number, (deed, first, before) in enumerate(zip(targets.deeds, targets.firsts, targets.befores, strict=True)):
        history = np.arange(first, before)
        ages = log.at_days[deed] - log.at_days[history]
        own = slice(offsets[number], offsets[number + 1])
        # The newest deed of an item is written last.
        newest[log.items[history]] = ages
        recency[own] = 1.0 / (1.0 + newest[candidates[own]])
        newest[log.items[history]] = np.inf
        visitor = Visitor(
            encoder.encode(_vector(log, history, log.at_days[deed], encoder.weighting)),
            tuple(
                RecentAction(names[item], DEED, age)
                for item, age in zip(
                    log.items[history][-HISTORY_LENGTH:].tolist(), ages[-HISTORY_LENGTH:].tolist(), strict=True
                )
            ),
            situation=_situation(log, float(log.at_days[deed])),
        )
        built.append(visitor_tensors(visitor, vocabulary, nothing))
        if (number + 1) % 2_000 == 0 or number + 1 == len(targets.deeds):
            progress("histories rebuilt", number + 1, len(targets.deeds))
    return stack_visitor_tensors(built), recency


def _situation(log: HistoryLog, at_days: float) -> Situation:
    if not log.timed:
        return Situation()
    return Situation(hour=HOURS * (at_days % 1.0), weekday=int(at_days) % 7)
