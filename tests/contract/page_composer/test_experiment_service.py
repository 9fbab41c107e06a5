"""What ExperimentService promises."""

from collections import Counter

import grpc

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import compose, slots, visit
from tests.contract.page_composer.houses import House
from tests.contract.refusals import DOWN, INVALID, failure, refused
from tests.fakes.page_composer import NOW_S
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import experiment_pb2 as pb


def experiment(experiment_id: str = "brands", **fields) -> pb.Experiment:
    """Everybody in one of two arms; arm b cares for clicks a thousand times as much."""
    arms = [pb.Arm(arm_id="a", share=0.5), pb.Arm(arm_id="b", share=0.5, weights={"w_click": 50.0})]
    return pb.Experiment(experiment_id=experiment_id, **{"arms": arms, **fields})


async def put(house: House, made: pb.Experiment, **fields) -> pb.PutExperimentResponse:
    asked = pb.PutExperimentRequest(shop_id=house.shop_id, experiment=made, **fields)
    return await house.experiments.PutExperiment(asked)


async def listed(house: House) -> list[pb.Experiment]:
    asked = pb.ListExperimentsRequest(shop_id=house.shop_id)
    return list((await house.experiments.ListExperiments(asked)).experiments)


async def arms_of(house: House, user_id: str) -> list[str]:
    asked = pb.AssignArmsRequest(shop_id=house.shop_id, visit=visit(user_id))
    return list((await house.experiments.AssignArms(asked)).arms)


@covers("ExperimentService.PutExperiment")
async def test_an_experiment_is_kept_and_its_arms_are_on_the_page(house):
    assert (await put(house, experiment())).experiment == experiment()
    pages = {}
    for number in range(20):
        page = await compose(house, "the-same-request", visit=visit(f"user-{number}"))
        assert list(page.arms) == await arms_of(house, f"user-{number}")
        pages[page.arms[0]] = page
    assert set(pages) == {"brands:a", "brands:b"}
    assert pages["brands:a"].versions.weights_version != pages["brands:b"].versions.weights_version


async def test_an_arm_can_have_a_template_of_its_own(house):
    arms = [pb.Arm(arm_id=name, share=0.5, template_id="home_phone") for name in "ab"]
    await put(house, experiment(arms=arms))
    assert (await compose(house)).template_id == "home_phone"


async def test_validate_only_keeps_no_experiment(house):
    await put(house, experiment(), validate_only=True)
    assert await listed(house) == []
    assert await arms_of(house, "ada") == []


@covers("ExperimentService.PutExperiment", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_broken_experiment_is_refused_by_field(house):
    arms = [
        pb.Arm(arm_id="a", share=0.9, weights={"w_wish": 1.0}),
        pb.Arm(arm_id="a", share=0.9, weights={"coverage.brand": -1.0}),
        pb.Arm(arm_id="c d", share=0.0, release_id="latest"),
    ]
    error = await failure(put(house, experiment("no spaces", arms=arms)))
    assert (error.code, error.reason) == INVALID
    assert {violation.field for violation in error.violations} == {
        "experiment.experiment_id",
        "experiment.arms",
        "experiment.arms[0].weights[w_wish]",
        "experiment.arms[1].weights[coverage.brand]",
        "experiment.arms[2].arm_id",
        "experiment.arms[2].share",
        "experiment.arms[2].release_id",
    }


@covers("ExperimentService.ListExperiments")
async def test_experiments_are_listed_by_id(house):
    await put(house, experiment("second"))
    await put(house, experiment("first"))
    assert [each.experiment_id for each in await listed(house)] == ["first", "second"]


@covers("ExperimentService.DeleteExperiment")
async def test_a_deleted_experiment_assigns_nobody(house):
    await put(house, experiment())
    asked = pb.DeleteExperimentRequest(shop_id=house.shop_id, experiment_id="brands")
    assert (await house.experiments.DeleteExperiment(asked)).experiment_id == "brands"
    assert await arms_of(house, "ada") == []


@covers("ExperimentService.DeleteExperiment", "NOT_FOUND EXPERIMENT_UNKNOWN")
async def test_an_unknown_experiment_cannot_be_deleted(house):
    asked = pb.DeleteExperimentRequest(shop_id=house.shop_id, experiment_id="none")
    await refused(house.experiments.DeleteExperiment(asked), (grpc.StatusCode.NOT_FOUND, "EXPERIMENT_UNKNOWN"))


@covers("ExperimentService.AssignArms")
async def test_arms_are_assigned_by_share_always_alike_and_independently(house):
    arms = [pb.Arm(arm_id="a", share=0.2), pb.Arm(arm_id="b", share=0.3)]
    await put(house, experiment("one", arms=arms))
    await put(house, experiment("two"))
    assigned = [tuple(await arms_of(house, f"user-{number}")) for number in range(300)]
    assert assigned[:5] == [tuple(await arms_of(house, f"user-{number}")) for number in range(5)]
    ones = Counter(name for names in assigned for name in names if name.startswith("one"))
    assert 35 <= ones["one:a"] <= 85
    assert 60 <= ones["one:b"] <= 120
    both = Counter(names for names in assigned if len(names) == 2)
    assert len(both) == 4


async def test_nobody_is_in_an_experiment_that_is_over(house):
    over = experiment()
    over.ends_at.FromSeconds(int(NOW_S) - 1)
    await put(house, over)
    assert await arms_of(house, "ada") == []
    assert slots(await compose(house))


@covers("ExperimentService.AssignArms", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_arms_of_nobody_cannot_be_asked_for(house):
    asked = pb.AssignArmsRequest(shop_id=house.shop_id, visit=common_pb2.VisitContext())
    await refused(house.experiments.AssignArms(asked), INVALID, "visit.user_id")


@covers("ExperimentService.ListExperiments", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("ExperimentService.DeleteExperiment", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_ids_that_break_the_contract_are_refused_by_field(house):
    await refused(house.experiments.ListExperiments(pb.ListExperimentsRequest(shop_id="A")), INVALID, "shop_id")
    asked = pb.DeleteExperimentRequest(shop_id=house.shop_id, experiment_id="")
    await refused(house.experiments.DeleteExperiment(asked), INVALID, "experiment_id")


@covers("ExperimentService.PutExperiment", "UNAVAILABLE DATABASE_DOWN")
@covers("ExperimentService.ListExperiments", "UNAVAILABLE DATABASE_DOWN")
@covers("ExperimentService.DeleteExperiment", "UNAVAILABLE DATABASE_DOWN")
async def test_without_a_database_experiments_go_on_and_cannot_be_changed(house):
    await put(house, experiment())
    before = await arms_of(house, "ada")
    await house.break_database()
    await refused(put(house, experiment()), DOWN)
    await refused(house.experiments.ListExperiments(pb.ListExperimentsRequest(shop_id=house.shop_id)), DOWN)
    asked = pb.DeleteExperimentRequest(shop_id=house.shop_id, experiment_id="brands")
    await refused(house.experiments.DeleteExperiment(asked), DOWN)
    assert await arms_of(house, "ada") == before != []
