"""One table: each error has its code, and details that fit into the trailers."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from services.kit import errors, status

KINDS = [
    (errors.InvalidRequest.of("shop_id", "required"), "INVALID_ARGUMENT", "INVALID_REQUEST"),
    (errors.NotFound("no item i1", reason="ITEM_UNKNOWN"), "NOT_FOUND", "ITEM_UNKNOWN"),
    (errors.NotReady("not loaded", reason="RELEASE_NOT_READY"), "FAILED_PRECONDITION", "RELEASE_NOT_READY"),
    (errors.Conflict("other payload", reason="EVENT_CONFLICT"), "ABORTED", "EVENT_CONFLICT"),
    (errors.Overloaded("busy"), "RESOURCE_EXHAUSTED", "OVERLOADED"),
    (errors.PermissionDenied("no"), "PERMISSION_DENIED", "PERMISSION_DENIED"),
    (errors.Unauthenticated("who?"), "UNAUTHENTICATED", "UNAUTHENTICATED"),
    (errors.DependencyDown("database"), "UNAVAILABLE", "DATABASE_DOWN"),
    (errors.DependencyDown("model_server"), "UNAVAILABLE", "MODEL_SERVER_DOWN"),
    (ValueError("a secret detail"), "INTERNAL", "INTERNAL"),
    (status.RemoteError(grpc.StatusCode.INVALID_ARGUMENT, "x", "INVALID_REQUEST"), "INTERNAL", "INTERNAL"),
]


def details_of(made: status.RpcStatus) -> status_pb2.Status:
    trailers = dict(made.trailers)
    return status_pb2.Status.FromString(trailers["grpc-status-details-bin"])


@pytest.mark.parametrize(("error", "code", "reason"), KINDS, ids=lambda value: str(value)[:30])
def test_each_error_has_its_code_and_reason(error, code, reason):
    made = status.to_rpc_status(error, "vitrine.ranker")
    info = error_details_pb2.ErrorInfo()
    assert details_of(made).details[0].Unpack(info)
    assert (made.code.name, info.reason, info.domain) == (code, reason, "vitrine.ranker")


def test_every_kind_of_error_is_in_the_table():
    listed = {kind for kind, _ in status.CODE_OF_ERROR}
    declared = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert listed == declared & set(errors.VitrineError.__subclasses__())


def test_nothing_of_an_unexpected_error_leaves_the_process():
    made = status.to_rpc_status(ValueError("a secret detail"), "vitrine.ranker")
    assert "secret" not in made.message
    assert b"secret" not in dict(made.trailers)["grpc-status-details-bin"]


def test_metadata_says_which_dependency_is_down_and_how():
    made = status.to_rpc_status(errors.DependencyDown("ranker", cause="timeout"), "vitrine.page_composer")
    info = error_details_pb2.ErrorInfo()
    details_of(made).details[0].Unpack(info)
    assert dict(info.metadata) == {"dependency": "ranker", "cause": "timeout"}


def test_a_thousand_violations_still_fit_into_trailers():
    violations = [errors.FieldViolation(f"events[{n}].item_id", "必填" * 200) for n in range(1_000)]
    made = status.to_rpc_status(errors.InvalidRequest(violations), "vitrine.user_profile")
    assert len(dict(made.trailers)["grpc-status-details-bin"]) < 5_500
    bad = error_details_pb2.BadRequest()
    assert details_of(made).details[1].Unpack(bad)
    assert bad.field_violations[0].field == "events[0].item_id"
    assert "are not listed" in bad.field_violations[-1].description
