"""Draws the pictures in processes of their own, while behaviour is simulated in this one."""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from lab.boutique.brands import BRAND_NAMES
from lab.boutique.campaigns import CAMPAIGNS, banner_path
from lab.boutique.catalogue import Catalogue, Picture
from lab.boutique.departments import CATEGORY_PATHS
from lab.boutique.drawing.banners import banner
from lab.boutique.drawing.look import Look
from lab.boutique.drawing.pictures import draw, encoded, reshot
from lab.boutique.item_lines import picture_path

WORKERS = 2
BATCH = 32


class DrawingPool:
    """Pictures under way."""

    def __init__(self, executor: ProcessPoolExecutor, catalogue: Catalogue, target: Path) -> None:
        (target / "images" / "banners").mkdir(parents=True)
        jobs = [(picture, str(target / picture_path(row))) for row, picture in enumerate(catalogue.pictures)]
        self.total = len(jobs) + len(CAMPAIGNS)
        self._futures: list[Future[int]] = [
            executor.submit(draw_batch, jobs[start : start + BATCH]) for start in range(0, len(jobs), BATCH)
        ]
        for campaign in CAMPAIGNS:
            looks = _looks_of(catalogue, campaign.category, campaign.brand)
            path = str(target / banner_path(campaign))
            self._futures.append(executor.submit(draw_banner, looks, campaign.colours, path))

    @property
    def done(self) -> int:
        """Pictures finished so far.

        Raises:
            Exception: whatever a worker raised.

        """
        return sum(future.result() for future in self._futures if future.done())

    def as_they_finish(self) -> Iterator[int]:
        """The number of pictures finished, again and again until it is all of them."""
        for future in self._futures:
            future.result()
            yield self.done


@contextmanager
def drawing(catalogue: Catalogue, target: Path) -> Iterator[DrawingPool]:
    """Start drawing; workers end with the block. Spawned, not forked: the caller may have threads."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as executor:
        try:
            yield DrawingPool(executor, catalogue, target)
        except BaseException:
            executor.shutdown(wait=True, cancel_futures=True)
            raise


def draw_batch(jobs: list[tuple[Picture, str]]) -> int:
    """Draw pictures to their files; runs in a worker."""
    for picture, path in jobs:
        drawn = draw(picture.look)
        seed = picture.reshot_seed
        Path(path).write_bytes(encoded(drawn) if seed is None else reshot(drawn, seed))
    return len(jobs)


def draw_banner(looks: list[Look], colours: tuple[str, str], path: str) -> int:
    """Draw one banner to its file; runs in a worker."""
    banner(looks, colours).save(path, "JPEG", quality=86)
    return 1


def _looks_of(catalogue: Catalogue, category: str | None, brand: str | None) -> list[Look]:
    """Looks of three products that a campaign is about."""
    looks: dict[int, Look] = {}
    for picture, number in zip(catalogue.picture.tolist(), catalogue.family.tolist(), strict=True):
        family = catalogue.families[number]
        fits = category == CATEGORY_PATHS[family.category] if category else brand == BRAND_NAMES[family.brand]
        if fits and family.copy_of < 0:
            looks.setdefault(number, catalogue.pictures[picture].look)
        if len(looks) == 3:
            break
    return list(looks.values())
