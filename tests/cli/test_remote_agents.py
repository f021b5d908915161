"""An A2A agent takes a peer's place by its address, or by a table of waggle.toml, and what makes no sense is said."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner

from waggledance import FunctionPeer, Swarm
from waggledance.cli._app import app
from waggledance.cli._config import in_force
from waggledance.cli._models_here import models_for
from waggledance.cli._own_models import model_named
from waggledance.cli._seating import Seating, model_name, seat, tables
from waggledance.core import UsageError
from waggledance.gateways import A2A, A2APeer, Host, Hosted, app_of


def four(question: str) -> str:
    return "It is 4.\nAnswer: 4"


@pytest.fixture(scope="module")
def agent() -> Iterator[str]:
    """A swarm at an address of this machine, in a thread of its own: the command has the event loop of this one."""
    host = Host({"default": Hosted(Swarm([FunctionPeer(f"p{i}", four) for i in range(3)]))})
    config = uvicorn.Config(app_of(host, [A2A(host)]), port=0, log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def seated(toml: str, folder: Path) -> Seating:
    file = folder / "waggle.toml"
    file.write_text(toml)
    force = in_force({}, config=file)
    rows = tables(force)
    return seat(rows, models_for({model_name(row, force) for row in rows}, force), force, human=False)


def test_an_agent_answers_in_waggle_ask_beside_a_model(agent: str, tmp_path: Path) -> None:
    asked = ("ask", "2 + 2?", "--peers", "3", "--model", f"a2a:{agent}", "--model", "scripted:Answer: 5",
             "--protocol", "vote(samples=1)", "--no-log", "--quiet", "--json")  # fmt: skip
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["answer"] == "4"
    assert [round(one["score"]) for one in told["support"].values()] == [2, 1]


def test_a_table_seats_an_agent_with_the_key_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAWYER_KEY", "a-secret")
    toml = """
    [[peers]]
    name = "lawyer"
    model = "law"
    [models.law]
    kind = "a2a"
    base_url = "https://law.example"
    key_env = "LAWYER_KEY"
    """
    (peer,) = seated(toml, tmp_path).peers
    assert isinstance(peer, A2APeer)
    assert (peer.name, peer.url) == ("lawyer", "https://law.example")


PEER = '[[peers]]\nname = "law"\nmodel = "law"\n'
NONSENSE = {
    "no address": ('[models.law]\nkind = "a2a"\n', "needs its address"),
    "what a model has": ('[models.law]\nkind = "a2a"\nbase_url = "http://x"\nslots = 2\n', "slots means nothing"),
    "no such variable": (
        '[models.law]\nkind = "a2a"\nbase_url = "http://x"\nkey_env = "NOBODY_SET_THIS"\n',
        "NOBODY_SET_THIS, which is not set",
    ),
    "an address that is none": ('[models.law]\nkind = "a2a"\nbase_url = "law.example"\n', "no A2A agent's address"),
}


@pytest.mark.parametrize("wrong", NONSENSE)
def test_a_table_that_makes_no_sense_says_why(wrong: str, tmp_path: Path) -> None:
    toml, why = NONSENSE[wrong]
    with pytest.raises(UsageError, match=why):
        seated(PEER + toml, tmp_path)


def test_an_agent_has_no_persona(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no persona"):
        seated('[[peers]]\nname = "a"\nmodel = "a2a:http://x"\npersona = "You doubt."\n', tmp_path)


def test_an_agent_is_no_model_to_think_with(tmp_path: Path) -> None:
    file = tmp_path / "waggle.toml"
    file.write_text('[models.law]\nkind = "a2a"\nbase_url = "http://x"\n')
    with pytest.raises(UsageError, match="not a model"):
        model_named("law", in_force({}, config=file))
