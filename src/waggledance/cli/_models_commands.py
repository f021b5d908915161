"""`waggle models` and `waggle models get`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from waggledance.cli._config import InForce, in_force
from waggledance.cli._ending import complain
from waggledance.cli._fetching import fetch
from waggledance.cli._own_models import model_named
from waggledance.cli._printing import print_json, print_table, print_text, say
from waggledance.core import RunFailed, WaggleError, run_awake


def list_models(config: Path | None, *, check: bool, as_json: bool) -> None:
    """Print every model that can be named here, and whether it works."""
    from waggledance.models import available

    force = in_force(config=config)
    rows = [_own(name, force) for name in force.settings.models]
    rows += [{"spec": row.spec, "usable": row.usable, "why": row.why, "detail": row.detail} for row in available()]
    if check:
        for row in rows:
            if row["usable"] and not row["spec"].endswith((":PATH", ":NAME")):
                say(f"asking {row['spec']} …")
                row["check"] = _check(row["spec"], force)
    if as_json:
        print_json({"models": rows})
    else:
        print_table(
            ("model", "usable", "where, or what to do", "what it is"),
            [
                (row["spec"], _state(row), _from_home(row.get("check", {}).get("why") or row["why"]), row["detail"])
                for row in rows
            ],
        )
    failed = [row["spec"] for row in rows if row.get("check") and not row["check"]["answered"]]
    if failed:
        complain(f"{len(failed)} of the models that look usable did not answer: {', '.join(failed)}")
        raise typer.Exit(RunFailed.exit_code)


def get_model(name: str, *, as_json: bool) -> None:
    """Fetch a model's weights and print where they are."""
    from waggledance.models import CATALOGUE

    weights = CATALOGUE.get(name.removeprefix("embedded:"))
    size = f"{weights.title}, {weights.size_bytes / 1e6:,.0f} MB, {weights.licence}" if weights else ""
    path = fetch(name.removeprefix("embedded:"), f"fetching {size}, once")
    if as_json:
        print_json({"name": name, "path": str(path)})
    else:
        print_text(str(path))


def _from_home(text: str) -> str:
    """Return a path as people write it: ``~`` for the home folder."""
    home = str(Path.home())
    return f"~{text.removeprefix(home)}" if text.startswith(f"{home}/") else text


def _own(name: str, force: InForce) -> dict[str, Any]:
    """Return the row of a model from waggle.toml."""
    where = f"{force.settings.models[name].kind}, {force.origin(f'models.{name}')}"
    try:
        model_named(name, force)
    except WaggleError as why:
        return {"spec": name, "usable": False, "why": str(why), "detail": where}
    return {"spec": name, "usable": True, "why": "As waggle.toml says.", "detail": where}


def _check(name: str, force: InForce) -> dict[str, Any]:
    """Really ask a model; return whether it answered, and how long that took or why not."""

    async def ask() -> float:
        from waggledance.models import check

        asked = model_named(name, force)
        try:
            return (await check(asked)).seconds
        finally:
            await asked.aclose()

    try:
        seconds = run_awake(ask())
    except WaggleError as why:
        return {"answered": False, "why": str(why)}
    return {"answered": True, "why": f"It answered in {seconds:.1f} s.", "seconds": round(seconds, 3)}


def _state(row: dict[str, Any]) -> str:
    if "check" in row:
        return "yes, asked" if row["check"]["answered"] else "no, asked"
    return "yes" if row["usable"] else "no"
