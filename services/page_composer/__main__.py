"""`python -m services.page_composer [serve | migrate]`; settings come from VITRINE_<FIELD> (settings.py)."""

import asyncio
import sys

from services.kit.migrations import migrate
from services.kit.serving import run
from services.kit.settings import load
from services.page_composer.settings import PageComposerSettings
from services.page_composer.tables import SCHEMA
from services.page_composer.wiring import MIGRATIONS, definition


def main() -> None:
    """Serve until SIGTERM, or bring the schema up to date and end."""
    command = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if command not in ("serve", "migrate"):
        raise SystemExit(f"unknown command {command!r}: say serve or migrate")
    settings = load(PageComposerSettings)
    if command == "migrate":
        asyncio.run(migrate(settings.database_dsn.get_secret_value(), MIGRATIONS, SCHEMA))
    else:
        run(definition(settings))


if __name__ == "__main__":
    main()
