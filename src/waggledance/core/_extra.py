"""What to install where an optional package is missing: a command that works in the environment that runs now."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from shlex import quote
from urllib.parse import unquote, urlsplit

import msgspec


def with_extra(why: str, extra: str) -> str:
    """Return why something cannot be done, and the command that installs what it needs.

    The command names this Python, because `pip` alone may be another environment's, and the checkout where the package
    was installed from one.

    Args:
        why: what is needed, as in ``"writing Parquet needs DuckDB"``.
        extra: an extra of this package, as in ``"parquet"``.
    """
    checkout = _checkout()
    what = ("-e " if checkout else "") + quote(f"{checkout or 'waggledance'}[{extra}]")
    if find_spec("pip") is None:  # as in an environment that uv has made
        return f"{why}: uv pip install --python {quote(sys.executable)} {what}"
    return f"{why}: {quote(sys.executable)} -m pip install {what}"


def _checkout() -> str:
    """Return the folder that this package was installed from and runs in; empty where it was installed as a copy."""
    from importlib.metadata import PackageNotFoundError, distribution  # slow to import, and few need it

    try:
        written = distribution("waggledance").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    found = msgspec.json.decode(written, type=_From) if written else _From()
    return unquote(urlsplit(found.url).path) if found.dir_info.editable else ""


class _Folder(msgspec.Struct, frozen=True):
    editable: bool = False


class _From(msgspec.Struct, frozen=True):
    """What an installer notes of where a package came from (PEP 610)."""

    url: str = ""
    dir_info: _Folder = _Folder()
