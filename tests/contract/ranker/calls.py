"""What the tests of the ranker's contract ask again and again, in a line each."""

import numpy as np

from tests.contract.ranker.houses import House
from tests.small_shop import NOW
from vitrine.common.v1 import common_pb2
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.user_profile.v1.user_profile_pb2 import Profile

PATIENT_S = 60.0


def visit(house: House, **fields) -> common_pb2.VisitContext:
    return common_pb2.VisitContext(**({"user_id": "ada", "region": "DE", "release_id": house.release_id} | fields))


def profile(house: House, space_id: str = "") -> Profile:
    known = Profile(
        recent_actions=[{"action": common_pb2.ACTION_CLICK, "item_id": f"item-{n:03}"} for n in (0, 4, 8)],
        affinities=[{"facet": "brand", "value": "Aster", "weight": 0.5}],
        exposures=[{"item_id": "item-001", "impression_count": 2}],
    )
    known.embedding.space_id = space_id or house.user_space
    known.embedding.values.extend(np.linspace(-1, 1, 64))
    for action in known.recent_actions:
        action.occurred_at.FromDatetime(NOW)
    return known


def asked(house: House, *pools: dict, **fields) -> pb.RecommendRequest:
    request = pb.RecommendRequest(
        **({"shop_id": house.shop_id, "visit": visit(house), "profile": profile(house), "pools": pools} | fields)
    )
    request.at.FromDatetime(NOW)
    return request
