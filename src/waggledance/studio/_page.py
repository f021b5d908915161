"""The page's files, as the package ships them; in a checkout where nobody has built it, a page that says how to."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response

FOLDER = Path(__file__).parent / "page"
FIRST = "index.html"
_FOR_GOOD = "public, max-age=31536000, immutable"
"""Files under ``assets/`` have a hash of their content in their name."""

_NOT_BUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The studio's page is not built</title>
<h1>The studio's page is not built</h1>
<p>This is a source checkout, and its page has not been built yet. It takes Node 20 or newer, and a minute:</p>
<pre>cd web/studio
npm ci
npm run build</pre>
<p>Then load this page again. Packages from the package index hold the page; nothing has to be built there.</p>
<p>The server runs: <a href="api/channels">api/channels</a> lists what the log holds.</p>
</html>
"""


def page(path: str) -> Response | None:
    """Return a file of the page by its path; None when there is none.

    Args:
        path: such as ``"assets/index-1a2b.js"``; empty for the page itself.
    """
    from starlette.responses import FileResponse, Response

    found = _files().get(path or FIRST)
    if found is not None and found.is_file():
        kept = _FOR_GOOD if path.startswith("assets/") else "no-cache"
        return FileResponse(found, headers={"cache-control": kept})
    if not path:
        return Response(_NOT_BUILT, headers={"cache-control": "no-store"}, media_type="text/html")
    return None


def _files() -> dict[str, Path]:
    """Return the page's files by their paths, so that no path leads out of the folder; looked up anew until built."""
    found = _listed()
    if not found:
        _listed.cache_clear()
    return found


@cache
def _listed() -> dict[str, Path]:
    return {file.relative_to(FOLDER).as_posix(): file for file in FOLDER.rglob("*") if file.is_file()}
