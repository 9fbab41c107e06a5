"""Secrets of a work folder: made once, kept in a file that only its owner can read."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

NAMES = ("pseudonym_key", "tracking_key", "cookie_secret")
FILE_NAME = "secrets.json"


def work_secrets(work: Path) -> Mapping[str, str]:
    """Return the secrets of a work folder, making those that are missing.

    They must outlive a restart: pseudonyms in the database and tokens in open pages depend on them.
    """
    path = work / FILE_NAME
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = [name for name in NAMES if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(32) for name in missing}
        _write_private(path, json.dumps(known, indent=2) + "\n")
    return known


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
