"""A contract of your own says what must hold of every channel; it is checked on a log, or while a swarm talks."""

from typing import Any

from waggledance import FunctionPeer, Message
from waggledance.core import PeerId
from waggledance.protocols import Debate
from waggledance.safety import CausalPast, Contract, Violation, check, contract, each
from waggledance.testing import simulate


class NamesItsReasons:
    """Whoever changes an answer names what it heard: a fold over what the author had seen, and nothing beside."""

    name = "names-its-reasons"
    scope = "proposal/1"

    def start(self) -> dict[PeerId, str]:
        return {}

    def step(self, state: dict[PeerId, str], message: Message[Any], past: CausalPast) -> Any:
        said = message.body
        if state.get(message.author, said.key) != said.key and not said.refs:
            return Violation(why=f"from {state[message.author]} to {said.key}, and nobody knows why")
        return {**state, message.author: said.key}


def short(message: Message[Any], past: CausalPast) -> str | None:
    return f"{len(message.body.text)} letters" if len(message.body.text) > 8 else None


rules: list[Contract] = [NamesItsReasons(), contract("short", each("proposal/1", short))]
run = simulate(
    Debate(rounds=2), "2 + 2?", peers=[FunctionPeer("ada", str.title), FunctionPeer("ben", lambda q: "4, surely")]
)
verdict = check(run.log, rules)
print(verdict)
assert {found.contract for found in verdict.violations} == {"short"}
