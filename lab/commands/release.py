"""`vitrine release list|promote|rollback`: which release serves."""

from typing import Annotated

import typer
from rich.table import Table

from lab.commands.options import DEFAULT_SHOP, DEFAULT_WORK, Shop, Work
from lab.commands.terminal import console
from lab.releases import PROMOTION_TIMEOUT_S, promote_release, release_service
from lab.supervisor.directory import addresses_of
from vitrine.ranker.v1 import ranker_pb2 as pb

application = typer.Typer(help="List, promote and roll back releases.", no_args_is_help=True)


@application.command("list")
def list_releases(shop: Shop = DEFAULT_SHOP, work: Work = DEFAULT_WORK) -> None:
    """List a shop's releases, newest first."""
    with release_service(addresses_of(work)["ranker"]) as service:
        releases = service.ListReleases(pb.ListReleasesRequest(shop_id=shop), timeout=10.0).releases
    if not releases:
        console().print(f"shop {shop} has no release yet; make one with `vitrine train --shop {shop}`")
        return
    table = Table("release", "labels", "made", "calibrated", "ready in", "metrics", box=None, padding=(0, 2, 0, 0))
    for release in releases:
        table.add_row(*_cells(release))
    console().print(table)


@application.command("promote")
def promote(
    release_id: Annotated[str, typer.Argument(help="The release, such as r20260131120000.")],
    shop: Shop = DEFAULT_SHOP,
    canary: Annotated[bool, typer.Option("--canary", help="Move the label canary instead of stable.")] = False,
    work: Work = DEFAULT_WORK,
) -> None:
    """Make a release the one that serves, once every service reports it ready."""
    label = "canary" if canary else "stable"
    promote_release(addresses_of(work)["ranker"], shop, release_id, label)
    console().print(f"[bold]{release_id}[/] is {label} now")


@application.command("rollback")
def rollback(shop: Shop = DEFAULT_SHOP, work: Work = DEFAULT_WORK) -> None:
    """Go back to the release that was stable before."""
    with release_service(addresses_of(work)["ranker"]) as service:
        request = pb.RollbackReleaseRequest(shop_id=shop)
        answer = service.RollbackRelease(request, timeout=PROMOTION_TIMEOUT_S)
    console().print(f"[bold]{answer.release.release_id}[/] is stable again")


def _cells(release: pb.Release) -> tuple[str, ...]:
    labels = ", ".join(pb.ReleaseLabel.Name(label).removeprefix("RELEASE_LABEL_").lower() for label in release.labels)
    made = release.created_at.ToDatetime().strftime("%Y-%m-%d %H:%M")
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in sorted(release.metrics.items())[:3])
    calibrated = "yes" if release.calibrated else "no"
    return release.release_id, f"[bold green]{labels}[/]", made, calibrated, ", ".join(release.ready_services), metrics
