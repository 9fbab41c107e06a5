"""Generates the Python stubs beside the contracts, or with --check compares them with what is committed."""

import argparse
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent


def generate(target: Path) -> None:
    """Write *_pb2.py, *_pb2_grpc.py and their type stubs for every contract below ROOT into target."""
    contracts = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("vitrine/*/v1/*.proto"))
    plugins = Path(sys.executable).parent
    arguments = [
        "protoc",
        f"--proto_path={ROOT}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out=quiet:{target}",
        f"--mypy_grpc_out=quiet:{target}",
        *contracts,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed: its message is above")


def differences(fresh: Path) -> list[str]:
    """Name the stubs that are missing, outdated or left over."""
    made = {path.relative_to(fresh): path.read_bytes() for path in fresh.rglob("*_pb2*")}
    committed = {path.relative_to(ROOT): path.read_bytes() for path in ROOT.glob("vitrine/*/v1/*_pb2*")}
    return sorted(str(name) for name in made.keys() | committed.keys() if made.get(name) != committed.get(name))


def main() -> None:
    """Entry point of `make protos` and of the check in `make check`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a stub is not up to date")
    if not parser.parse_args().check:
        generate(ROOT)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(Path(folder))
    if stale:
        raise SystemExit("stubs are not up to date, run `make protos`: " + ", ".join(stale))


if __name__ == "__main__":
    main()
