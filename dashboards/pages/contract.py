"""The device contract for machines and people who have no sign-in: it holds nothing of a town."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

import devices.contract
from dashboards.actions import NoSuchPage

router = APIRouter(prefix="/contract/v1", include_in_schema=False)
CONTRACT = Path(devices.contract.__file__).parent
FILES = {
    path.relative_to(CONTRACT).as_posix(): path
    for pattern in ("*.md", "*.yaml", "schemas/*.json", "samples/*.jsonl")
    for path in sorted(CONTRACT.glob(pattern))
}
TYPES = {
    ".json": "application/schema+json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown; charset=utf-8",
    ".yaml": "application/yaml",
}


@router.get("/{name:path}")
def file(name: str) -> FileResponse:
    """Send a file of the contract; the AsyncAPI document names the schemas beside it.

    Raises NoSuchPage.
    """
    path = FILES.get(name)
    if path is None:
        raise NoSuchPage(f"{name}: no such file; there are {', '.join(FILES)}")
    return FileResponse(path, media_type=TYPES[path.suffix])
