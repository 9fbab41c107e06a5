"""Pictures of the shop's own that belong to no item, such as banners, from a folder of the shop."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from storefront.settings import StorefrontSettings
from storefront.views.pictures import FOR_A_WHILE, POLICY, drawn_answer

SUFFIXES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


def picture_file(folder: Path, path: str) -> Path | None:
    """The picture below the folder that a path names; None when there is none, or it lies outside."""
    asked = (folder / path).resolve()
    if asked.suffix.lower() not in SUFFIXES or not asked.is_relative_to(folder.resolve()):
        return None
    return asked if asked.is_file() else None


class Media:
    """Answers /media/<shop>/<path>; what is not there gets a drawn picture."""

    def __init__(self, settings: StorefrontSettings) -> None:
        self._folders = settings.media_folders

    async def show(self, request: Request) -> Response:
        """The picture."""
        folder = self._folders.get(request.path_params["shop_id"])
        path = request.path_params["path"]
        found = picture_file(folder, path) if folder is not None else None
        if found is None:
            return drawn_answer(request, path)
        headers = {"cache-control": FOR_A_WHILE, "content-security-policy": POLICY}
        return FileResponse(found, media_type=SUFFIXES[found.suffix.lower()], headers=headers)
