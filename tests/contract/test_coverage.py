"""Every RPC of every contract has a contract test of its answer and of each failure its comment lists."""

import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.contract.coverage import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
FAILURE = re.compile(r"^\s*([A-Z_]+ [A-Z_]+) - ", re.MULTILINE)


@cache
def promised_outcomes() -> dict[str, set[str]]:
    """Read "Service.Method" → {"OK", "CODE REASON", ...} from the comments of the contracts."""
    buf = Path(sys.executable).parent / "buf"
    image = subprocess.run(
        [buf, "build", "--as-file-descriptor-set", "-o", "-"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    promised: dict[str, set[str]] = {}
    for file in FileDescriptorSet.FromString(image).file:
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        for service_index, service in enumerate(file.service):
            for method_index, method in enumerate(service.method):
                comment = comments.get((6, service_index, 2, method_index), "")
                _, _, failures = comment.partition("Fails with:")
                promised[f"{service.name}.{method.name}"] = {"OK", *FAILURE.findall(failures)}
    return promised


@cache
def covered_outcomes() -> dict[str, set[str]]:
    """Import every contract test, which fills the registry."""
    for path in sorted(Path(__file__).parent.rglob("test_*.py")):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {method: set(outcomes) for method, outcomes in REGISTRY.items()}


def test_contracts_promise_failures_for_every_rpc():
    assert len(promised_outcomes()) >= 40
    for method, outcomes in promised_outcomes().items():
        assert len(outcomes) >= 2, f"{method} lists no failure"


@pytest.mark.parametrize("method", sorted(promised_outcomes()))
def test_every_promised_outcome_has_a_contract_test(method):
    missing = promised_outcomes()[method] - covered_outcomes().get(method, set())
    assert not missing, f"{method} has no contract test of: {sorted(missing)}"


def test_no_contract_test_covers_what_no_contract_promises():
    promised = promised_outcomes()
    for method, outcomes in covered_outcomes().items():
        assert method in promised, f"{method} is in no contract"
        assert outcomes <= promised[method], f"{method} does not promise {sorted(outcomes - promised[method])}"
