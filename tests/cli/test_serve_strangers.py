"""`waggle serve --did`: who comes in by name, for which domain they sign, and the server's own name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from waggledance.cli._app import app
from waggledance.cli._serve_command import Opening
from waggledance.cli._serve_strangers import own_name, strangers
from waggledance.core import UnknownName, UsageError
from waggledance.gateways import WbaDid
from waggledance.gateways._anp_document import signing_keys
from waggledance.mesh import Home, load_key

Waggle = Callable[..., Result]
DID = "did:wba:bees.example"


def opened(**more: Any) -> Opening:
    said: dict[str, Any] = {
        "address": "127.0.0.1", "port": 0, "doors": (), "keys": None, "open_to_all": False, "rate": None, "at_once": 1,
        "max_body": 1_000, "origins": (), "names": (), "drain_s": 0.0, "studio": False, "url": "", "webhooks": (),
        "sign_as": None, "dids": (), "wait_s": None, "grpc": "",
    }  # fmt: skip
    return Opening(**said | more)


@pytest.fixture
def waggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waggle:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAGGLEDANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WAGGLE_LOG", str(tmp_path / "log.db"))
    monkeypatch.delenv("WAGGLE_CONFIG", raising=False)
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--did", "bees.example", "--name", "swarm.example"), "a stranger's name is as in did:wba:example.com"),
        (("--did", DID), "say it with --name"),
        (("--url", "https://127.0.0.1", "--sign-as", "swarm"), "no IP address"),
    ],
)
def test_names_that_let_in_nobody_or_everybody_are_refused_before_anything_is_served(
    waggle: Waggle, flags: tuple[str, ...], why: str
) -> None:
    waggle("id", "new", "swarm")
    said = waggle("serve", "--port", "0", "--model", "scripted:4", *flags)
    assert said.exit_code == 2
    assert why in said.output


async def test_strangers_sign_for_the_names_that_we_go_by_or_the_host_that_callers_know() -> None:
    async with strangers(opened(dids=(DID,), names=("swarm.example", "a.example"))) as named:
        assert named is not None
        assert named.realm == "swarm.example"
    async with strangers(opened(dids=(DID,), url="https://swarm.example/bees")) as named:
        assert named is not None
        assert named.realm == "swarm.example"


async def test_nobody_comes_in_by_name_where_nobody_is_named() -> None:
    async with strangers(opened(names=("swarm.example",))) as named:
        assert named is None


def test_a_key_and_an_https_address_are_a_name_of_our_own(waggle: Waggle) -> None:
    assert waggle("id", "new", "swarm").exit_code == 0
    (door,) = own_name(opened(sign_as="swarm", url="https://swarm.example/bees"))
    did = WbaDid("swarm.example", None, ("bees",))
    assert door.unkeyed == "/bees/did.json"
    assert signing_keys(door.document, did) == {"key-1": load_key(Home().known_key_file("swarm")).peer}
    assert own_name(opened(sign_as="swarm", url="http://127.0.0.1:8000")) == []
    assert own_name(opened(url="https://swarm.example")) == []
    with pytest.raises(UnknownName):
        own_name(opened(sign_as="swarn", url="https://swarm.example"))
    with pytest.raises(UsageError, match="IP address"):
        own_name(opened(sign_as="swarm", url="https://127.0.0.1"))
