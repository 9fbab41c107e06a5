"""`python -m storefront`: serve the shop over HTTP."""

import uvicorn

from storefront import settings
from storefront.application import create_application


def main() -> None:
    """Serve until told to stop; requests in flight are finished."""
    chosen = settings.load()
    host, port = chosen.address()
    uvicorn.run(
        create_application(chosen),
        host=host,
        port=port,
        log_level=chosen.log_level,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
