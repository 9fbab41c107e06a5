"""`python -m lab.deployment [--check]`: make deploy/'s files from topology and requirements.txt, or compare."""

import argparse
from pathlib import Path

from lab.deployment.checks import problems_with
from lab.deployment.files import deployment_files, outdated

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write the files; with --check compare and validate, and exit with 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 on any problem")
    if parser.parse_args().check:
        stale = outdated(ROOT)
        found = [f"{name} is not up to date: run `make deployment`" for name in stale]
        found += problems_with(ROOT)
        if found:
            raise SystemExit("\n".join(found))
        return
    for name, text in deployment_files(ROOT).items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
