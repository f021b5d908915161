"""`waggle serve --did`: who comes in by a name on the web, and the name that the server itself goes by."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from waggledance.cli._printing import say
from waggledance.core import UsageError
from waggledance.gateways import DidDoor, Strangers, WbaDid, WebDocuments

if TYPE_CHECKING:
    from waggledance.cli._serve_command import Opening


@asynccontextmanager
async def strangers(opening: Opening) -> AsyncGenerator[Strangers | None]:
    """Say who may come in by name; nobody when no names are given.

    Args:
        opening: with the names, and the domains that we go by.

    Raises:
        UsageError: a name is none, or what strangers are to sign for is not said.
    """
    if not opening.dids:
        yield None
        return
    host = urlsplit(opening.url).hostname
    services = opening.names or ((host,) if host else ())
    if not services:
        raise UsageError("strangers sign for the domain that they ask: say it with --name, as in --name swarm.example")
    documents = WebDocuments()
    try:
        yield Strangers(opening.dids, services, documents)
    finally:
        await documents.aclose()


def own_name(opening: Opening) -> list[DidDoor]:
    """Return the door that shows the document of our own name, where we have a key and an https address."""
    if opening.sign_as is None or not opening.url.startswith("https://"):
        return []
    from waggledance.mesh import Home, load_key

    did = WbaDid.of_url(opening.url)
    say(f"known as {did}, by the key {opening.sign_as!r}")
    return [DidDoor(load_key(Home().known_key_file(opening.sign_as)).peer, did)]
