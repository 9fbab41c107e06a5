"""Each image holds what its service imports, and TensorFlow only where it computes."""

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from lab.deployment.requirements import EXTRAS, MESSAGES_ONLY
from lab.supervisor.topology import load_topology

ROOT = Path(__file__).parents[3]
WITH_TENSORFLOW = {"item_vision", "lab"}

IMPORT = """
import sys
from importlib import import_module
from importlib.metadata import packages_distributions

module, installed = sys.argv[1], set(sys.argv[2].split(","))
owners = {name: {each.lower().replace("_", "-").replace(".", "-") for each in found}
          for name, found in packages_distributions().items()}

class OnlyInstalled:
    def find_spec(self, name, path=None, target=None):
        needed = owners.get(name.partition(".")[0], set()) - {"vitrine"}
        if needed and not needed & installed:
            raise ModuleNotFoundError(f"{name} is not in the image: it belongs to {', '.join(sorted(needed))}")
        return None

sys.meta_path.insert(0, OnlyInstalled())
import_module(module)
print(",".join(sorted(name for name in sys.modules if name.partition(".")[0] in ("tensorflow", "keras"))))
"""


def installed(image: str) -> set[str]:
    lines = (ROOT / "deploy" / "requirements" / f"{image}.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}


def test_every_image_has_its_requirements():
    images = {spec.image for spec in load_topology().process if spec.image} | {"lab"}
    assert images == EXTRAS.keys()
    for image in images:
        assert ("tensorflow" in installed(image)) == (image in WITH_TENSORFLOW)


@pytest.mark.parametrize("image", sorted(EXTRAS.keys() - {"lab"}))
def test_a_service_needs_only_what_is_in_its_image(image):
    module = "storefront.__main__" if image == "storefront" else f"services.{image}.__main__"
    # The message classes are copied into the ranker's image beside what is installed (ADR 0015).
    visible = installed(image) | MESSAGES_ONLY.get(image, frozenset())
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, module, ",".join(visible)],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", "TF_CPP_MIN_LOG_LEVEL": "2", "HOME": "/tmp"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = done.stdout.strip().split(",") if done.stdout.strip() else []
    if image not in WITH_TENSORFLOW:
        assert [name for name in loaded if not name.endswith("_pb2")] == []
