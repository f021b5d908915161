"""Checking a channel: what is odd about it has a defined end, and what is claimed can be looked at again."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, ClassVar

import pytest

from waggledance import Swarm
from waggledance.core import (
    Body,
    Budget,
    Cost,
    Judgement,
    Key,
    Log,
    Message,
    MessageId,
    Note,
    PlainBudget,
    Proposal,
    UnknownName,
    UsageError,
    open_frame,
)
from waggledance.core import frame as framed
from waggledance.peers import FunctionPeer
from waggledance.safety import (
    Checked,
    Checker,
    Contract,
    Violation,
    at_most,
    builtin,
    check,
    contract,
    contracts_named,
    each,
    every,
    recheck,
)

AnyMessage = Message[Any]
ONCE = contract("once", at_most(1, "proposal/1", per=("author",)))


def test_an_empty_channel_holds_and_says_so() -> None:
    found = check([])
    assert found.holds
    assert found.first is None
    assert "an empty channel" in str(found)


def test_messages_of_two_channels_are_refused(new_talk: Any) -> None:
    talk = new_talk()
    other = Proposal(key="4")
    from waggledance.core import Channel, local_peer_id, swarm_id

    elsewhere = Channel(swarm_id("t"), "q2").publish(local_peer_id("p0"), other, [], 0)
    with pytest.raises(UsageError, match="of one channel"):
        check([talk.opening, elsewhere])


def test_what_rests_on_what_is_not_here_waits_and_is_counted(new_talk: Any) -> None:
    talk = new_talk()
    last = talk.round(1, *talk.round(0))
    first = next(m for m in talk.messages if m.body.round == 0 and m.kind == "proposal/1")
    found = check([m for m in talk.messages if m != first], [ONCE])
    assert found.holds is (not found.violations)
    assert found.waiting == len(last)
    assert "were not judged" in str(found)
    assert check(talk.messages, [ONCE]).waiting == 0


def test_a_violation_can_be_looked_at_again_from_its_past_alone(new_talk: Any) -> None:
    talk = new_talk()
    first = talk.round(0)
    twice = talk.say("p1", Proposal(key="5"))
    talk.say("p2", Note(about="note", text="later"), twice)
    found = check(talk.messages, [ONCE]).first
    assert found is not None
    assert recheck(found, [talk.opening, first[1], twice], [ONCE])
    assert not recheck(Violation(why=found.why, contract="once", at=first[0].id), talk.messages, [ONCE])
    with pytest.raises(UsageError, match="is not here"):
        recheck(found, [twice], [ONCE])
    with pytest.raises(UnknownName, match="'once'"):
        recheck(found, talk.messages, [contract("other", at_most(1, "x"))])
    claim = open_frame(framed(talk.say("p0", found))).body
    assert recheck(claim, talk.messages, [ONCE]), "a claim travels as a message"


# -- contracts that misbehave -----------------------------------------------------------------------------------------


def test_a_contract_that_raises_is_named_and_the_others_are_judged(new_talk: Any) -> None:
    talk = new_talk()
    talk.round(0)

    def broken(message: AnyMessage, past: Any) -> str | None:
        raise ZeroDivisionError("oh")

    found = check(talk.messages, [contract("broken", each("proposal/1", broken)), ONCE])
    assert not found.holds
    assert not found.violations
    assert {fault.contract for fault in found.faulty} == {"broken"}
    assert "ZeroDivisionError: oh" in str(found)


def test_a_contract_that_says_one_thing_and_then_another_is_faulty_not_believed(new_talk: Any) -> None:
    talk = new_talk()
    talk.round(0)
    flip = itertools.cycle(("bad", None))
    unsteady = contract("unsteady", each("proposal/1", lambda message, past: next(flip)))
    found = check(talk.messages, [unsteady])
    assert not found.violations
    assert [fault.contract for fault in found.faulty] == ["unsteady"]
    assert "pure" in found.faulty[0].why


def test_a_contract_that_says_it_has_no_state_and_has_one_is_faulty(new_talk: Any) -> None:
    class Sly:
        name, scope = "sly", "*"

        def start(self) -> None: ...

        def step(self, state: int | None, message: AnyMessage, past: Any) -> int:
            return (state or 0) + 1

    talk = new_talk()
    talk.round(0)
    assert "says that it has no state" in check(talk.messages, [Sly()]).faulty[0].why


@pytest.mark.parametrize("wrong", [object(), 7, type("NoName", (), {"start": print, "step": print, "scope": "*"})()])
def test_what_is_no_contract_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match="is no contract"):
        Checker([wrong])


def test_a_rule_without_a_name_is_told_how_to_get_one() -> None:
    with pytest.raises(UsageError, match=r"has no name; give it one with contract\('its name', …\)"):
        Checker([at_most(1, "vote/1")])


def test_two_contracts_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two contracts are called 'once'"):
        Checker([ONCE, contract("once", at_most(2, "note/1"))])
    with pytest.raises(UsageError, match="needs a name"):
        contract(" ", at_most(1, "x"))


def test_a_field_that_there_is_not_makes_a_contract_faulty_and_says_which_there_are(new_talk: Any) -> None:
    talk = new_talk()
    talk.round(0)
    found = check(talk.messages, [contract("typo", at_most(1, "proposal/1", per=("auther",)))])
    assert "has no field 'auther'; there are" in found.faulty[0].why


# -- kinds that are not known -----------------------------------------------------------------------------------------


def unknown(talk: Any) -> list[AnyMessage]:
    """Return messages of kinds that this program does not know, as another's copy holds them."""
    from waggledance.core._message import KINDS

    class Ask(Body, frozen=True):
        kind: ClassVar[str] = "ask-of-theirs/1"
        dear: int = 0

    class Answer(Body, frozen=True):
        kind: ClassVar[str] = "answer-of-theirs/1"
        of: MessageId = MessageId(b"")

    asked = talk.say("p0", Ask(dear=7))
    lonely = talk.say("p1", Ask(dear=3))
    answered = talk.say("p2", Answer(of=asked.id), asked)
    frames = [framed(m) for m in (asked, lonely, answered)]
    del KINDS["ask-of-theirs/1"], KINDS["answer-of-theirs/1"]
    return [open_frame(each) for each in frames]


def test_unknown_kinds_are_judged_by_form_counted_and_read_field_by_field(new_talk: Any) -> None:
    talk = new_talk()
    asked, lonely, answered = unknown(talk)
    talk.end(asked, lonely, answered)
    said = [m for m in talk.channel.messages() if m.id not in {asked.id, lonely.id, answered.id}]
    said += [asked, lonely, answered]
    found = check(said)
    assert found.unknown == {"ask-of-theirs/1": 2, "answer-of-theirs/1": 1}
    assert found.holds
    rule = contract("answered", every("ask-of-theirs/1").followed_by("answer-of-theirs/1", re="of"))
    [missing] = check(said, [rule]).violations
    assert missing.involved == (lonely.id,)
    from waggledance.safety import sum_of

    assert not check(said, [contract("dear", sum_of("ask-of-theirs/1", "dear").at_most(9))]).holds
    assert check(said, [contract("dear", sum_of("ask-of-theirs/1", "dear").at_most(10))]).holds
    assert check(said, [contract("none", sum_of("ask-of-theirs/1", "no.such").at_most(0))]).holds


# -- equivocation -----------------------------------------------------------------------------------------------------


def test_an_equivocator_is_named_without_anybody_having_seen_both(new_talk: Any) -> None:
    talk = new_talk()
    talk.round(0)
    twin = talk.forge("p1", Proposal(key="5"), sequence=1, previous=None, lamport=2)
    found = check(talk.messages)
    assert found.forked == (talk.ids["p1"],)
    [violation] = found.of("signature-chain")
    assert violation.by == talk.ids["p1"]
    honest = next(m for m in talk.messages if m.author == talk.ids["p1"] and m.id != twin.id)
    assert {violation.at, *violation.involved} == {twin.id, honest.id}


def test_a_signature_of_its_own_author_is_fine(new_talk: Any) -> None:
    import msgspec

    key, talk = Key(bytes(range(32))), new_talk()
    talk.ids["p9"] = key.peer
    said = talk.forge("p9", Proposal(key="4"), sequence=1, previous=None, lamport=2)
    talk.forged[-1] = msgspec.structs.replace(said, signature=key.sign(said.id))
    assert check(talk.messages, [c for c in builtin() if c.name == "signature-chain"]).holds


# -- live, and on logs ------------------------------------------------------------------------------------------------


def ask(journal: Any, answer: str = "4") -> str:
    peers = [FunctionPeer(f"p{i}", lambda question: answer) for i in range(3)]
    return Swarm(peers, log=journal).ask_sync("2 + 2?", expects="number").channel


def test_violations_are_told_while_the_run_goes_on_and_raising_ends_nothing(tmp_path: Path) -> None:
    told: list[Violation] = []

    def tell(violation: Violation) -> None:
        told.append(violation)
        raise RuntimeError("nobody hears me")

    quiet = contract("quiet", each("proposal/1", lambda message, past: "said something"))
    with Log(tmp_path / "log.db") as log:
        live = Checked(log, [quiet, ONCE], tell=tell)
        channel = ask(live)
        assert channel in live
        assert len(live) == 1
        assert {v.contract for v in told} == {"quiet", "once"}
        assert live.compliance(channel) == check(log.read(channel), [quiet, ONCE])
    with pytest.raises(UnknownName, match="channel that was checked"):
        live.compliance("q9")


def test_many_channels_are_checked_and_the_oldest_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waggledance.safety._checked.CHANNELS_OPEN", 2)
    live = Checked()
    peers = [FunctionPeer("p0", lambda question: "4")]
    swarm = Swarm(peers, log=live)
    channels = [swarm.ask_sync("2 + 2?", expects="number").channel for _ in range(4)]
    assert len(set(channels)) == 4
    assert all(live.compliance(channel).holds and live.compliance(channel).sealed for channel in channels)


def test_a_log_that_is_being_written_is_checked_as_far_as_it_goes(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as whole:
        channel = ask(whole)
        said = sorted(whole.read(channel), key=lambda m: whole.arrivals()[m.id])
    with Log(tmp_path / "part.db") as writing:
        from waggledance.core import encode

        for message in said[:3]:
            writing.append(message, encode(message))
        writing.flush_now()
        with Log(tmp_path / "part.db", "r") as reading:
            early = check(reading.read(channel))
            assert (early.holds, early.sealed, early.messages) == (True, False, 3)
            assert "no outcome yet" in str(early)
            for message in said[3:]:
                writing.append(message, encode(message))
            writing.flush_now()
            assert check(reading.read(channel)).sealed


def test_contracts_are_found_by_name_in_modules_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_rules.py").write_text(
        "from waggledance.safety import at_most, contract\n"
        "one = contract('one', at_most(1, 'note/1'))\n"
        "def both():\n    return [one, contract('two', at_most(2, 'note/1'))]\n"
        "class Own:\n    name, scope = 'own', '*'\n    def start(self): return None\n"
        "    def step(self, state, message, past): return state\n"
        "wrong = 7\n"
    )
    (tmp_path / "broken.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    file = str(tmp_path / "my_rules.py")

    def named(*names: str) -> list[str]:
        return [found.name for found in contracts_named(names, builtin())]

    assert named("schema", f"{file}:one", "my_rules:Own") == ["schema", "one", "own"]
    assert named(f"{file}:both") == ["one", "two"]
    for wrong, why in (("shema", "schema"), (f"{file}:on", "'one'")):
        with pytest.raises(UnknownName, match=why):
            named(wrong)
    refused = [(f"{file}:wrong", "is no contract"), ("broken.py:x", "ZeroDivisionError")]
    for wrong, why in (*refused, *((f"{where}:x", "cannot be had") for where in ("nowhere", "no.py", "schema"))):
        with pytest.raises(UsageError, match=why):
            named(wrong)
    with pytest.raises(UsageError, match="two contracts"):
        named("schema", "schema")


def test_every_built_in_contract_is_one() -> None:
    def is_contract(one: Contract) -> bool:
        return bool(one.name and one.scope)

    assert all(is_contract(one) for one in builtin())
    assert len({one.name for one in builtin()}) == 12


def test_the_budget_in_the_opening_is_what_spend_goes_by(new_talk: Any) -> None:
    peers = [FunctionPeer(f"p{i}", lambda question: "4") for i in range(3)]
    live = Checked()
    decision = Swarm(peers, log=live).ask_sync("2 + 2?", expects="number", budget=Budget(calls=4))
    assert live.compliance(decision.channel).holds
    talk = new_talk(limits=PlainBudget(calls=4))
    talk.say("p0", Judgement(verdicts=(), cost=Cost(calls=3)))
    assert check(talk.messages).holds
    talk.say("p0", Judgement(round=1, verdicts=(), cost=Cost(calls=2)))
    [violation] = check(talk.messages).violations
    assert (violation.contract, violation.why) == ("spend", "brings calls to 5, 4 allowed")
