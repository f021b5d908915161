from __future__ import annotations

from collections.abc import Sequence

import pytest

from waggledance import Budget, Swarm
from waggledance._run import NobodyAnswered
from waggledance.consensus import SameComputation
from waggledance.core import Call, Decision, Note, PeerId, Proposal, Question, UsageError, local_peer_id
from waggledance.models import model as embedded
from waggledance.network import Silent, Simulated
from waggledance.peers import Agent
from waggledance.protocols import Verify, rule_by_name, seal
from waggledance.testing import Opinionated, Run, check_protocol, simulate


class Computing(Opinionated):
    """A peer whose answer is a function of the seed of the call and of the model that it runs."""

    def __init__(self, name: str, model: str = "dear") -> None:
        super().__init__(name)
        self.model = model

    async def propose(self, call: Call) -> Proposal:
        if self.model == "mute":
            return Proposal(key=None, lapse="no words")
        return Proposal.of(f"{call.seed}", " ".join(f"{self.model}{call.seed % 97 + i}" for i in range(60)))


def peers(n: int = 5, **models: str) -> list[Computing]:
    return [Computing(f"p{i}", models.get(f"p{i}", "dear")) for i in range(n)]


def run(protocol: Verify | None = None, n: int = 5, seed: int = 7, silent: Sequence[str] = (), **models: str) -> Run:
    faults = [Silent(name) for name in silent]
    return simulate(protocol or Verify(claimant="p0", patience_s=30), "why?", peers=peers(n, **models), seed=seed,
                    faults=faults)  # fmt: skip


def reran(seen: Run) -> set[str]:
    return {seen.decision.name(m.author) for m in seen.log if isinstance(m.body, Proposal) and m.body.round == 1}


def test_a_claim_that_three_others_come_out_like_is_accepted_by_all() -> None:
    seen = run()
    assert (seen.decision.status, seen.decision.support["same"]) == ("decided", 3_000_000)
    assert {decision.id for decision in seen.decisions.values()} == {seen.decision.id}
    assert len(reran(seen)) == 3
    [winner] = [m for m in seen.log if m.id == seen.decision.winner]
    assert seen.decision.name(winner.author) == "p0"
    assert seen.virtual_s < 30


def test_a_cheaper_models_answer_is_rejected() -> None:
    seen = run(p0="cheap")
    assert (seen.decision.status, seen.decision.key) == ("conflict", None)
    assert any("rejected: 0 of 3" in note for note in seen.decision.notes)


def test_one_verifier_with_another_model_is_outvoted_and_stands_as_dissent() -> None:
    order = [seen for seen in (run(seed=seed, p3="cheap") for seed in range(8)) if "p3" in reran(seen)]
    assert order
    for seen in order:
        assert seen.decision.status == "decided"
        assert [seen.decision.name(d.peer) for d in seen.decision.dissent] == ["p3"]


def test_silent_verifiers_are_replaced_after_one_patience_each() -> None:
    for seed in range(6):
        seen = run(seed=seed, n=6, silent=("p1", "p2"))
        assert seen.decision.status == "decided"
        assert reran(seen) == {"p3", "p4", "p5"}
        assert seen.virtual_s < 30 * 3 + 1


def test_with_too_few_verifiers_the_claim_is_not_verified() -> None:
    seen = run(n=3, silent=("p2",))
    assert seen.decision.status == "undecided"
    assert any("not verified: 1 of 3" in note for note in seen.decision.notes)


def test_a_silent_claimant_is_a_named_failure() -> None:
    with pytest.raises(NobodyAnswered):
        run(silent=("p0",))


def test_a_claimant_without_words_is_not_verified() -> None:
    assert run(p0="mute").decision.status == "undecided"


def test_everybody_claims_under_some_seed_unless_it_is_said_who() -> None:
    drawn: set[str] = set()
    for seed in range(25):
        seen = run(Verify(patience_s=30), n=4, seed=seed)
        drawn |= {seen.decision.name(m.author) for m in seen.log if isinstance(m.body, Proposal) and not m.body.round}
    assert drawn == {"p0", "p1", "p2", "p3"}
    with pytest.raises(UsageError, match="'nobody' does not sit here; there are p0, p1"):
        run(Verify(claimant="nobody"))


def test_all_seal_what_they_say_before_anybody_opens() -> None:
    seen = run()
    seals = [i for i, m in enumerate(seen.log) if isinstance(m.body, Note)]
    opened = [i for i, m in enumerate(seen.log) if isinstance(m.body, Proposal)]
    assert len(seals) == len(opened) == 4
    assert seen.decision.name(seen.log[seals[0]].author) == "p0"
    for m in (seen.log[i] for i in opened):
        assert any(isinstance(s.body, Note) and s.author == m.author and s.body.text == seal(m.author, m.body)
                   for s in seen.log)  # fmt: skip


def test_a_seal_fits_one_author_and_one_text() -> None:
    said = Proposal(key="4", text="four")
    assert seal(local_peer_id("a"), said) != seal(local_peer_id("b"), said)
    assert seal(local_peer_id("a"), said) != seal(local_peer_id("a"), Proposal(key="4", text="Four"))


def test_words_that_do_not_fit_their_seal_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = run()
    [claimant] = [peer for peer, name in honest.decision.names.items() if name == "p0"]
    different = iter(range(1000))

    def changing(author: PeerId, said: Proposal) -> str:
        return str(next(different)) if author == claimant else seal(author, said)

    monkeypatch.setattr("waggledance.protocols._verify.seal", changing)
    spoilt = run()
    assert (honest.decision.status, spoilt.decision.status) == ("decided", "undecided")
    assert any("p0" in note and "seal" in note for note in spoilt.decision.notes)


@pytest.mark.parametrize("messages", [0, 1, 7])
def test_a_budget_that_bears_no_verification_is_refused(messages: int) -> None:
    swarm = Swarm(peers(), network=Simulated(seed=3), protocol=Verify(patience_s=30), seed=3)
    with pytest.raises(UsageError, match=f"need 8 messages, the budget has {messages}"):
        swarm.ask_sync("why?", budget=Budget(messages=messages))
    assert swarm.ask_sync("why?", budget=Budget(messages=8)).status == "decided"


def test_it_keeps_the_laws_of_protocols() -> None:
    check_protocol(Verify(patience_s=30), peers=peers(), seeds=(1,))


def test_its_rule_is_found_by_name() -> None:
    rule = SameComputation(5, 12)
    assert rule_by_name(rule.name) == rule


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_embedded_model_says_the_same_with_the_same_luck_and_another_prompt_is_caught() -> None:
    model = embedded("embedded")
    question = Question(text="Why do honeybees dance? Explain in two sentences.", expects="free")

    def verified(persona: str) -> Decision:
        agents = [Agent(name, model, max_tokens=64, persona=persona if name == "p0" else "") for name in ("p0", "p1")]
        return Swarm(agents, protocol=Verify(claimant="p0", verifiers=1, distance_max=0), seed=3).ask_sync(question)

    assert verified("").status == "decided"
    assert verified("You are a poet who answers only about the sea.").status == "conflict"
