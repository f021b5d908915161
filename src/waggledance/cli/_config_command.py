"""`waggle config show`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from waggledance.cli._config import in_force
from waggledance.cli._log_place import log_path
from waggledance.cli._printing import print_json, print_table
from waggledance.cli._settings import FLAGS

HIDDEN = "(hidden)"


def show_config(config: Path | None, *, as_json: bool) -> None:
    """Print every setting with its origin; secrets are never among them, headers are shown by name only."""
    force = in_force(config=config)
    rows: list[tuple[str, Any, str]] = []
    for key in FLAGS:
        table, field = key.split(".")
        rows.append((key, getattr(getattr(force.settings, table), field), force.origin(key)))
    rows = [(key, str(log_path(force)) if key == "log.path" else value, origin) for key, value, origin in rows]
    for name, model in force.settings.models.items():
        for field, value in msgspec.structs.asdict(model).items():
            if value is not None:
                rows.append((f"models.{name}.{field}", _harmless(field, value), force.origin(f"models.{name}")))
    for name, server in force.settings.tools.items():
        for field, value in msgspec.structs.asdict(server).items():
            if value not in (None, "", ()):
                rows.append((f"tools.{name}.{field}", _harmless(field, value), force.origin(f"tools.{name}")))
    for i, peer in enumerate(force.settings.peers):
        for field, value in msgspec.structs.asdict(peer).items():
            if value is not None:
                rows.append((f"peers.{peer.name}.{field}", value, force.origin(f"peers.{i}")))
    for name, swarm in force.settings.swarms.items():
        for field, value in msgspec.structs.asdict(swarm).items():
            if value not in (None, ""):
                rows.append((f"swarms.{name}.{field}", value, force.origin(f"swarms.{name}")))
    if as_json:
        settings = [{"key": key, "value": value, "from": origin} for key, value, origin in rows]
        print_json({"file": str(force.file) if force.file else None, "settings": settings})
        return
    print_table(("setting", "value", "from"), [(key, _shown(value), origin) for key, value, origin in rows])


def _harmless(field: str, value: Any) -> object:
    """Return a value without what may be a secret: texts of headers and variables, passwords and keys in an address."""
    if field in ("headers", "env"):
        headers: Mapping[str, str] = value
        return {name: text if text.startswith("$") else HIDDEN for name, text in headers.items()}
    if field in ("base_url", "url"):
        place = urlsplit(str(value))
        user, at, host = place.netloc.rpartition("@")
        query = HIDDEN if place.query else ""
        return urlunsplit(place._replace(netloc=f"{HIDDEN if user else ''}{at}{host}", query=query, fragment=""))
    return value


def _shown(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        case _:
            return str(value)
