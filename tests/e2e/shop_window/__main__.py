"""`python tests/e2e/shop_window [--port 8088]`: the storefront on a whole made-up ensemble, in one process.

For looking at the storefront and for its browser tests. Prints the address when it serves.
"""

import argparse
import asyncio
import signal
import socket
import sys

import grpc
import uvicorn
from pages import DEGRADED, NOT_READY, Composer
from people import AWAY, People
from shelves import Ranker, Vision

from storefront.application import create_application
from storefront.settings import StorefrontSettings
from vitrine.item_vision.v1 import item_vision_pb2_grpc
from vitrine.page_composer.v1 import merchandising_pb2_grpc, page_composer_pb2_grpc
from vitrine.ranker.v1 import ranker_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2_grpc


class Announced(uvicorn.Server):
    """Says its address when it serves."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}\n")
            sys.stdout.flush()


async def main(port: int) -> None:
    people, vision = People(), Vision()
    composer = Composer(people)
    server = grpc.aio.server()
    user_profile_pb2_grpc.add_UserProfileServiceServicer_to_server(people, server)
    item_vision_pb2_grpc.add_CatalogueServiceServicer_to_server(vision, server)
    item_vision_pb2_grpc.add_ItemVisionServiceServicer_to_server(vision, server)
    ranker_pb2_grpc.add_RankerServiceServicer_to_server(Ranker(), server)
    page_composer_pb2_grpc.add_PageComposerServiceServicer_to_server(composer, server)
    merchandising_pb2_grpc.add_MerchandisingServiceServicer_to_server(composer, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    settings = StorefrontSettings(
        cookie_secret="only-for-looking-at-it",
        shops=("boutique",),
        user_profile_addresses=(address,),
        item_vision_addresses=(address,),
        ranker_addresses=(address,),
        page_composer_addresses=(address,),
        demo_users=("ana", "bo", "chen", DEGRADED, NOT_READY, AWAY),
    )
    web = Announced(uvicorn.Config(create_application(settings), port=port, log_level="warning", ws="none"))
    await web.serve()
    await server.stop(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args().port
    # The web server ends on SIGTERM and then raises it again; the rest of the house still has to be closed.
    signal.signal(signal.SIGTERM, lambda *_: None)
    asyncio.run(main(chosen))
