"""`vitrine compose USER`: one page, in the terminal."""

import uuid
from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from google.protobuf import json_format

from lab.channels import open_channel
from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, Shop, Work
from lab.commands.terminal import console
from lab.commands.terminal_page import draw_page
from lab.importing.events import DEVICES
from lab.supervisor.directory import addresses_of
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2, page_composer_pb2_grpc

DEADLINE_S = 5.0
Device = Literal["desktop", "tablet", "phone"]


def compose(  # noqa: PLR0913, PLR0917  the options of a command line
    user: Annotated[str, typer.Argument(help="The shop's id of the user; '-' composes an anonymous page.")],
    shop: Shop = DEFAULT_SHOP,
    device: Annotated[Device, typer.Option(help="The device to lay the page out for.")] = "desktop",
    locale: Annotated[str, typer.Option(help="Language of titles and reasons, such as en or zh.")] = "en",
    region: Annotated[str, typer.Option(help="Country or subdivision, such as DE or CN-31.")] = "",
    page: Annotated[str, typer.Option(help="home, category:<path> or item:<id>.")] = "home",
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    work: Work = DEFAULT_WORK,
) -> None:
    """Compose a user's page and print it."""
    visit = common_pb2.VisitContext(
        user_id="" if user == "-" else user, locale=locale, region=region, device=DEVICES[device], page=page
    )
    composed = compose_page(work, shop, visit)
    if as_json:
        print(json_format.MessageToJson(composed, preserving_proto_field_name=True))
    else:
        draw_page(composed, console())


def compose_page(work: Path, shop: str, visit: common_pb2.VisitContext) -> page_composer_pb2.Page:
    """Ask page_composer for a page. Raises: grpc.RpcError."""
    request = page_composer_pb2.ComposePageRequest(
        shop_id=shop, request_id=f"terminal-{uuid.uuid4().hex[:12]}", visit=visit, explain=True
    )
    with open_channel(addresses_of(work)["page_composer"], "vitrine.page_composer.v1") as channel:
        stub = page_composer_pb2_grpc.PageComposerServiceStub(channel)
        return cast(page_composer_pb2.Page, stub.ComposePage(request, timeout=DEADLINE_S).page)
