"""What others reached by the same protocol on the same data: leave-one-out, all items ranked, no drawn negatives."""

from collections.abc import Mapping
from dataclasses import dataclass

REFERENCE = "reference run by this protocol"
WELL_TUNED = "reference run: sampled softmax, 64 numbers, 1 block, dropout .2, length 50, 256 negatives"
S3_REC = "S3-Rec, CIKM 2020, full-ranking table"


@dataclass(frozen=True)
class Published:
    """A model's figures."""

    hr_10: float
    ndcg_10: float
    source: str


@dataclass(frozen=True)
class PublishedSet:
    """A data set by its counts: a folder of the same name with other data is not compared."""

    users: int
    entries: int
    models: Mapping[str, Published]
    """By our name; the strongest figures where there are several."""


PUBLISHED: Mapping[str, PublishedSet] = {
    "amazon_beauty": PublishedSet(
        22_363,
        198_502,
        {
            "popularity": Published(0.0110, 0.0053, REFERENCE),
            "ease": Published(0.0694, 0.0374, REFERENCE),
            "sequence_knn": Published(0.0813, 0.0505, REFERENCE),
            "sasrec": Published(0.0921, 0.0531, WELL_TUNED),
        },
    ),
    "amazon_toys": PublishedSet(
        19_412,
        167_597,
        {
            "popularity": Published(0.0090, 0.0049, REFERENCE),
            "ease": Published(0.0735, 0.0423, REFERENCE),
            "sequence_knn": Published(0.0955, 0.0617, REFERENCE),
            "sasrec": Published(0.0970, 0.0580, WELL_TUNED),
        },
    ),
    "lastfm": PublishedSet(
        1_090,
        52_551,
        {
            "popularity": Published(0.0385, 0.0180, REFERENCE),
            "ease": Published(0.0899, 0.0517, REFERENCE),
            "sequence_knn": Published(0.0697, 0.0415, REFERENCE),
            "sasrec": Published(0.0688, 0.0390, S3_REC),
        },
    ),
}
"""By folder name. HSTU, TIGER and other figures of the field are of models that are not here."""


def published(data_set: str, users: int, entries: int) -> Mapping[str, Published]:
    """Figures by model, for the same data; none where that is not known."""
    known = PUBLISHED.get(data_set)
    return known.models if known and (known.users, known.entries) == (users, entries) else {}
