"""ExperimentService: check, keep, list, delete, assign."""

import time
from collections.abc import Callable

import grpc
from google.protobuf.json_format import ParseDict

from services.kit.checks import Checks
from services.page_composer.decision_checks import check_decision_id, check_experiment
from services.page_composer.experiments import assign
from services.page_composer.keeping import Keeping
from services.page_composer.requests import visit_of
from services.page_composer.shops import Shops
from vitrine.page_composer.v1 import experiment_pb2 as pb
from vitrine.page_composer.v1 import experiment_pb2_grpc


class ExperimentServicer(experiment_pb2_grpc.ExperimentServiceServicer):
    """Keeps experiments and assigns arms."""

    def __init__(self, keeping: Keeping, shops: Shops, clock: Callable[[], float] = time.time) -> None:
        self._keeping = keeping
        self._shops = shops
        self._clock = clock

    async def PutExperiment(  # type: ignore[override]  # noqa: N802
        self, request: pb.PutExperimentRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutExperimentResponse:
        """Create or replace an experiment."""
        checks = _checks(request.shop_id, request.request_id)
        check_experiment(checks, "experiment", request.experiment)
        checks.raise_if_any()
        await self._keeping.put("experiment", request, request.experiment.experiment_id, request.experiment)
        return pb.PutExperimentResponse(experiment=request.experiment)

    async def ListExperiments(  # type: ignore[override]  # noqa: N802
        self, request: pb.ListExperimentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListExperimentsResponse:
        """List experiments by id."""
        _checks(request.shop_id, request.request_id).raise_if_any()
        kept = await self._keeping.listed("experiment", request.shop_id)
        return pb.ListExperimentsResponse(experiments=[ParseDict(each, pb.Experiment()) for each in kept])

    async def DeleteExperiment(  # type: ignore[override]  # noqa: N802
        self, request: pb.DeleteExperimentRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteExperimentResponse:
        """Delete an experiment."""
        checks = _checks(request.shop_id, request.request_id)
        check_decision_id(checks, "experiment_id", request.experiment_id)
        checks.raise_if_any()
        await self._keeping.delete("experiment", request.shop_id, request.experiment_id)
        return pb.DeleteExperimentResponse(experiment_id=request.experiment_id)

    async def AssignArms(  # type: ignore[override]  # noqa: N802
        self, request: pb.AssignArmsRequest, context: grpc.aio.ServicerContext
    ) -> pb.AssignArmsResponse:
        """Say in which arms a visitor is."""
        checks = _checks(request.shop_id, request.request_id)
        checks.visit_context("visit", request.visit, needs_subject=True)
        checks.raise_if_any()
        shop = await self._shops.ready(request.shop_id)
        visit = visit_of(request.shop_id, request.request_id, request.visit, self._clock(), request.visit.locale)
        return pb.AssignArmsResponse(arms=[each.name for each in assign(shop.merchandise.experiments, visit)])


def _checks(shop_id: str, request_id: str) -> Checks:
    checks = Checks()
    checks.shop_id(shop_id)
    checks.request_id(request_id)
    return checks
