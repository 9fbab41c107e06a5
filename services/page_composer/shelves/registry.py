"""All shelf generators by file name, and the proposals of a visit."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from services.page_composer import shelves
from services.page_composer.pools import CATALOGUE, GIVEN, focused
from services.page_composer.proposal import Generator, Proposal, Scene, Suggestion

GENERATORS: Mapping[str, Generator] = {
    name: import_module(f"{shelves.__name__}.{name}").propose
    for name in sorted(module.name for module in iter_modules(shelves.__path__))
    if name != "registry"
}
"""Every generator of the folder, by file name."""

WITHOUT_TABLE = frozenset({GIVEN, CATALOGUE})


def propose(scene: Scene) -> list[Proposal]:
    """Ask every generator; sections of one shelf are numbered from 1 in the order its generator brings them.

    Suggestions whose source the release does not ship stay away.
    """

    def askable(suggestion: Suggestion) -> bool:
        return scene.sources is None or suggestion.pool.source in scene.sources | WITHOUT_TABLE

    return [
        Proposal(
            section_id=f"{shelf}:{number}",
            shelf=shelf,
            evidence=suggestion.evidence,
            pool=focused(suggestion.pool, scene.visit),
            more_link=suggestion.more_link,
            title=suggestion.title,
        )
        for shelf, generator in GENERATORS.items()
        for number, suggestion in enumerate(filter(askable, generator(scene)), start=1)
    ]
