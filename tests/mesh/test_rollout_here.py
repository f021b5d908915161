"""Roll-outs on running nodes: who gets what, who has to agree, what is in use afterwards, and what is taken back."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import pytest

from waggledance._swarm import Swarm
from waggledance.consensus import Certificate, CertificateInvalid
from waggledance.core import Decision, MessageId, Question, RunFailed, UsageError, WaggleError
from waggledance.mesh import (
    AgentAdapter,
    AgentHere,
    AgentPrompts,
    AgentSkill,
    Capability,
    Mesh,
    Rollout,
    RolloutHere,
    RolloutView,
    Skill,
    Target,
    Warrant,
    Wear,
    announce,
    planned,
    rollout_question,
    warrant_of,
    warranted,
)
from waggledance.mesh._planning import Kind
from waggledance.mesh._warrant import certificate_in
from waggledance.models import Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import AskProtocol, Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

BEE, WASP = "Answer as a bee.", "Answer as a wasp."
TO_FAST = Target(tags=("fast",))


def says(approves: bool) -> Scripted:
    """Return a model that says what it was told to be, and yes or no to roll-outs."""

    def line(request: Request) -> str:
        if "Shall peers of this swarm" in request.turns[-1].text:
            return f"Answer: {'yes' if approves else 'no'}"
        as_what = {BEE: "bee", WASP: "wasp"}.get(request.turns[0].text, "peer")
        return "" if as_what == "wasp" else f"Answer: {as_what}"

    return Scripted(line)


def prompt_set(system: str, right: str | None = None) -> bytes:
    """Return a set of prompts, with a probe whose right answer is known."""
    probe = "" if right is None else f'[[probes]]\nquestion = "What are you?"\nanswer = "{right}"\n'
    return f'{probe}[prompts]\nsystem = "{system}"\n'.encode()


def members(n: int, *, against: int = 0) -> list[Agent]:
    """Return agents p0, p1, …, of whom some, at places drawn by luck, are against whatever is to be rolled out."""
    no = Random(n * 100 + against).sample(range(n), against)
    return [Agent(f"p{i}", says(i not in no)) for i in range(n)]


class Here:
    """Roll-outs at all nodes of a simulated mesh; the members in `fast` have that tag."""

    def __init__(self, mesh: SimulatedMesh, folder: Path, fast: tuple[str, ...]) -> None:
        self.mesh, self.folder, self.fast = mesh, folder, fast
        self.at: dict[str, RolloutHere] = {}
        self.worn: dict[str, AgentHere] = {}

    async def begin(self, *names: str) -> None:
        """Start the members' part, and the asker's; let them say what they are."""
        mesh = self.mesh
        for name in names or tuple(mesh.nodes):
            node, member = mesh.nodes[name], name in mesh.sittings
            agent = mesh.peers.get(name)
            wears: dict[str, Wear] = {}
            tailors: dict[str, Callable[[str], Wear]] = {}
            if isinstance(agent, Agent):
                worn = self.worn[name] = AgentHere(node, mesh.sittings[name], agent)
                wears["prompts/agent"] = AgentPrompts(worn)
                tailors["skill"] = partial(AgentSkill, worn)
                tailors["adapter"] = partial(AgentAdapter, worn, folder=self.folder / name / "adapters")
            takes = ("prompts", "skill", "adapter", "data") if member else ()
            self.at[name] = RolloutHere(
                node, self.folder / name, wears=wears, tailors=tailors, takes=takes, rng=Random(1)
            )
            tags = ("Fast",) if name in self.fast else ()
            announce(node, Capability(ver=1, name=name, skills=(Skill(id="answer", name="answer", tags=tags),)))
        await mesh.settle("lobby")

    async def end(self) -> None:
        for here in self.at.values():
            await here.close()
        for worn in self.worn.values():
            await worn.aclose()

    def plan(self, kind: Kind, content: bytes, *, name: str = "table", target: Target = TO_FAST) -> Rollout:
        return planned(kind, name, content, target, self.at["asker"].views.values())

    async def decide(
        self, rollout: Rollout, content: bytes = b"", *, protocol: AskProtocol | None = None, text: str = ""
    ) -> tuple[Decision, Warrant | None]:
        """Ask the swarm about a roll-out; return what it decided, and the warrant if there is a certificate."""
        mesh, node = Mesh(self.mesh.nodes["asker"], certify=True), self.mesh.nodes["asker"]
        question = rollout_question(rollout, content)
        if text:
            question = Question(text=question.text + text, expects="yes/no")
        swarm = Swarm(mesh.peers(), network=mesh, protocol=protocol or Vote(patience_s=5))
        decision = await swarm.ask(question)
        if not decision.certificate:
            return decision, None
        return decision, await warrant_of(node, Certificate.from_json(decision.certificate))

    async def answers(self) -> Mapping[str, str | None]:
        """Ask everybody what it is; return every member's answer by name."""
        decision = await self.mesh.ask("What are you?", protocol=Vote(patience_s=5))
        copy = self.mesh.nodes["asker"].channels[decision.channel].copy
        names = {self.mesh.keys[name].peer: name for name in self.mesh.keys}
        return {names[m.author]: m.body.key for m in copy.messages() if m.id in decision.used}


FAST = ("p1", "p3", "p4")


async def until_over(here: Here, rollout: MessageId, at: str = "asker") -> RolloutView:
    for _ in range(600):
        view = here.at[at].views.get(rollout)
        if view is not None and view.status != "running":
            return view
        await asyncio.sleep(0.2)
    raise AssertionError(f"still running: {here.at[at].views}")


async def announced(here: Here, rollout: Rollout, content: bytes) -> MessageId:
    """Have the swarm decide on a roll-out, and announce it with what came of that."""
    _, warrant = await here.decide(rollout, content)
    assert warrant is not None
    named = msgspec.structs.replace(rollout, certificate=digest_of(warrant))
    return here.at["asker"].announce(named, content, warrant).id


def digest_of(warrant: Warrant) -> bytes:
    return certificate_in(warrant).decided.digest()


def test_data_comes_to_those_it_is_for_and_to_nobody_else(tmp_path: Path) -> None:
    content = bytes(range(256)) * 3_000  # three chunks

    async def main() -> tuple[RolloutView, set[str], set[str]]:
        async with SimulatedMesh(members(6), loss=0.05) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            id = here.at["asker"].announce(here.plan("data", content), content).id
            view = await until_over(here, id)
            await here.end()
            have = {name for name in mesh.sittings if (tmp_path / name / "installed/data/table").exists()}
            hold = {name for name in mesh.sittings if here.at[name].blobs.held_bytes}
            return view, have, hold

    view, have, hold = on_virtual_time(main())
    assert view.status == "complete"
    assert have == hold == set(FAST)
    assert all((tmp_path / name / "installed/data/table").read_bytes() == content for name in FAST)


def test_prompts_that_the_swarm_decided_on_are_used_from_the_next_question_on(tmp_path: Path) -> None:
    content = prompt_set(BEE, "bee")

    async def main() -> tuple[RolloutView, dict[str, str | None], dict[str, str | None]]:
        async with SimulatedMesh(members(5)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            before = dict(await here.answers())
            view = await until_over(here, await announced(here, here.plan("prompts", content), content))
            after = dict(await here.answers())
            await here.end()
            return view, before, after

    view, before, after = on_virtual_time(main())
    assert view.status == "complete"
    assert before == dict.fromkeys(("p0", "p1", "p2", "p3", "p4"), "peer")
    assert after == {name: "bee" if name in FAST else "peer" for name in before}


BIRDS = b"""[skill]
when = ["are"]
text = "Answer as a bird."
"""


def knowing() -> list[Agent]:
    """Return agents that say what their instructions make them."""

    def line(request: Request) -> str:
        if "Shall peers of this swarm" in request.turns[-1].text:
            return "Answer: yes"
        told = request.turns[0].text
        return f"Answer: {'bird' if 'as a bird' in told else 'peer'}{' and bee' if BEE in told else ''}"

    return [Agent(f"p{i}", Scripted(line)) for i in range(5)]


def test_a_skill_that_the_swarm_decided_on_is_used_for_the_questions_that_it_fits(tmp_path: Path) -> None:
    async def main() -> tuple[Mapping[str, str | None], Mapping[str, str | None], set[str | None]]:
        async with SimulatedMesh(knowing()) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            skill = here.plan("skill", BIRDS, name="birds.toml")
            assert (skill.slot, skill.needs_certificate) == ("skill/birds.toml", True)
            rollout = await announced(here, skill, BIRDS)
            assert (await until_over(here, rollout)).status == "complete"
            first = await here.answers()
            prompts = await announced(here, here.plan("prompts", prompt_set(BEE)), prompt_set(BEE))
            assert (await until_over(here, prompts)).status == "complete"
            second = await here.answers()
            other = await mesh.ask("Who is there?", protocol=Vote(patience_s=5))
            await here.end()
            return first, second, set(other.support)

    first, second, other = on_virtual_time(main())
    assert first == {f"p{i}": "bird" if f"p{i}" in FAST else "peer" for i in range(5)}
    assert second == {f"p{i}": "bird and bee" if f"p{i}" in FAST else "peer" for i in range(5)}
    assert other == {"peer and bee", "peer"}  # the skill is for questions with "are" in them


def test_a_skill_whose_probe_fails_is_taken_back_and_changes_nothing(tmp_path: Path) -> None:
    wrong = BIRDS + b'[[probes]]\nquestion = "What are you?"\nanswer = "fish"\n'

    async def main() -> tuple[str, str, Mapping[str, str | None]]:
        async with SimulatedMesh(knowing()) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            rollout = await announced(here, here.plan("skill", wrong, name="birds.toml"), wrong)
            view = await until_over(here, rollout)
            await here.end()
            return view.status, " ".join(view.failed.values()), await here.answers()

    status, why, answers = on_virtual_time(main())
    assert status == "halted"
    assert "was answered 'bird', and 'fish' is right" in why
    assert set(answers.values()) == {"peer"}


class Taught(Scripted):
    """A scripted model that says what its adapters hold; one that holds nothing breaks it."""

    def __init__(self, says: str = "peer") -> None:
        super().__init__(self._line)
        self._says, self.closed = says, False

    def _line(self, request: Request) -> str:
        if "Shall peers of this swarm" in request.turns[-1].text:
            return "Answer: yes"
        return f"Answer: {self._says}" if self._says else ""

    def adapted(self, adapters: Sequence[Path]) -> "Taught":
        made = Taught("".join(adapter.read_bytes().removeprefix(b"GGUF").decode() for adapter in adapters))
        self.made = made
        return made

    async def aclose(self) -> None:
        self.closed = True


def test_an_adapter_is_added_to_the_model_and_taken_out_when_health_drops(tmp_path: Path) -> None:
    models = {f"p{i}": Taught() for i in range(5)}

    async def main() -> list[object]:
        async with SimulatedMesh([Agent(name, model) for name, model in models.items()]) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            good = await announced(here, here.plan("adapter", b"GGUFant", name="a.gguf"), b"GGUFant")
            told: list[object] = [(await until_over(here, good)).status, await here.answers()]
            bad = await announced(here, here.plan("adapter", b"GGUF", name="a.gguf"), b"GGUF")
            await asyncio.sleep(1)
            while here.at["asker"].views[bad].status == "running":
                with contextlib.suppress(WaggleError):
                    await mesh.ask("What are you?", protocol=Vote(patience_s=5))
                await asyncio.sleep(1)
            await until_over(here, bad)
            await asyncio.sleep(30)
            told += [here.at["asker"].views[bad].status, await here.answers()]
            await here.end()
            return told

    first, answers, second, after = on_virtual_time(main())
    assert (first, second) == ("complete", "halted")
    assert answers == after == {f"p{i}": "ant" if f"p{i}" in FAST else "peer" for i in range(5)}
    assert all(models[name].made.closed for name in FAST)
    assert not any(model.closed for model in models.values())


REFUSED: tuple[tuple[Kind, bytes, str], ...] = (
    ("adapter", b"PK", "begins with GGUF"),
    ("skill", b"\xff", "no skill"),
    ("skill", b"[skill]", "no skill"),
    ("skill", b'[skill]\ntext = " "', "1 to 8,000"),
    ("skill", b'[skill]\ntext = "x"\nwhen = ["?"]', "words or phrases"),
    ("skill", b'[skill]\ntext = "' + b"x" * 8_001 + b'"', "1 to 8,000"),
)


def test_a_model_that_takes_no_adapters_says_so_and_what_is_none_is_refused_before_it_is_announced(
    tmp_path: Path,
) -> None:
    async def main() -> str:
        async with SimulatedMesh(knowing()) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            for kind, content, says in REFUSED:
                with pytest.raises(UsageError, match=says):
                    here.plan(kind, content)
            rollout = await announced(here, here.plan("adapter", b"GGUF", name="a.gguf"), b"GGUF")
            view = await until_over(here, rollout)
            await here.end()
            return " ".join(view.failed.values())

    assert "takes no adapters: only a model from a GGUF file here does" in on_virtual_time(main())


def test_prompts_whose_probe_fails_stop_at_the_first_peer_which_goes_back(tmp_path: Path) -> None:
    good, bad = prompt_set(BEE, "bee"), prompt_set(WASP, "wasp")

    async def main() -> tuple[RolloutView, dict[str, str | None], list[bytes]]:
        async with SimulatedMesh(members(5)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            await until_over(here, await announced(here, here.plan("prompts", good), good))
            view = await until_over(here, await announced(here, here.plan("prompts", bad), bad))
            await asyncio.sleep(5)
            after = dict(await here.answers())
            await here.end()
            return view, after, [(tmp_path / name / "installed/prompts/agent.toml").read_bytes() for name in FAST]

    view, after, files = on_virtual_time(main())
    assert view.status == "halted"
    assert len(view.failed) == 1
    assert "probe" in next(iter(view.failed.values()))
    assert {after[name] for name in FAST} == {"bee"}
    assert files == [good] * 3


def test_prompts_without_a_probe_are_taken_back_when_questions_end_without_answers(tmp_path: Path) -> None:
    content = prompt_set(WASP)  # with these the model answers nothing

    async def main() -> tuple[RolloutView, dict[str, str | None]]:
        async with SimulatedMesh(members(5)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            id = await announced(here, here.plan("prompts", content), content)
            for _ in range(4):
                await here.answers()
                await asyncio.sleep(1)
            view = await until_over(here, id)
            await asyncio.sleep(5)
            after = dict(await here.answers())
            await here.end()
            return view, after

    view, after = on_virtual_time(main())
    assert view.status == "halted"
    [why] = view.failed.values()
    assert "3 of 3 questions ended without an answer" in why
    assert set(after.values()) == {"peer"}


def test_prompts_without_a_probe_wait_half_a_minute_at_every_wave_where_nobody_asks(tmp_path: Path) -> None:
    content = prompt_set(BEE)

    async def main() -> float:
        async with SimulatedMesh(members(4)) as mesh:
            here = Here(mesh, tmp_path, ("p1", "p2"))
            await here.begin()
            id = await announced(here, here.plan("prompts", content), content)
            began = mesh.clock.now()
            assert (await until_over(here, id)).status == "complete"
            await here.end()
            return mesh.clock.now() - began

    assert 60 <= on_virtual_time(main()) < 65


@pytest.mark.parametrize("against", [2, 3])
def test_without_a_quorum_for_it_nobody_runs_it(tmp_path: Path, against: int) -> None:
    content = prompt_set(BEE, "bee")

    async def main() -> tuple[RolloutView, RolloutView]:
        async with SimulatedMesh(members(5, against=against)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            rollout = here.plan("prompts", content)
            _, warrant = await here.decide(rollout, content)
            assert warrant is not None  # it is certified what they decided, and that was no quorum's yes
            named = msgspec.structs.replace(rollout, certificate=digest_of(warrant))
            id = here.at["asker"].announce(named, content, warrant).id
            unsigned = here.at["asker"].announce(rollout, content).id
            await mesh.settle("lobby")
            await asyncio.sleep(3)
            seen = here.at["p1"].views
            await here.end()
            return seen[id], seen[unsigned]

    decided, unsigned = on_virtual_time(main())
    assert (decided.status, unsigned.status) == ("refused", "refused")
    assert "needs a decision certificate" in unsigned.why
    assert not list(tmp_path.glob("*/installed/prompts/agent.toml"))


def test_a_certificate_of_another_roll_out_question_or_protocol_lets_nothing_run(tmp_path: Path) -> None:
    content, other = prompt_set(BEE, "bee"), prompt_set(WASP)

    async def main() -> list[str]:
        async with SimulatedMesh(members(5)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            rollout = here.plan("prompts", content)
            told: list[str] = []
            for decided, text, protocol in (
                (here.plan("prompts", other), "", None),
                (rollout, "\nNo, rather: is 2+2 = 4?", None),
                (rollout, "", Debate(rounds=1, patience_s=5)),
            ):
                _, warrant = await here.decide(decided, text=text, protocol=protocol)
                assert warrant is not None
                named = msgspec.structs.replace(rollout, certificate=digest_of(warrant))
                here.at["asker"].announce(named, content, warrant)
                message = mesh.nodes["asker"].lobby.copy.said(Rollout)
                lobby = {m.id: m for m in mesh.nodes["asker"].lobby.copy.messages()}
                [mine] = [m for m in message if m.body.certificate == named.certificate]
                told.append(warranted(mesh.genesis, lobby, mine))
            await asyncio.sleep(3)
            statuses = {view.status for view in here.at["p1"].views.values()}
            assert statuses == {"refused"}
            await here.end()
            return told

    assert ["something else" in why for why in on_virtual_time(main())] == [True] * 3


def test_a_member_that_was_away_and_one_killed_while_it_fetched_have_it_in_the_end(tmp_path: Path) -> None:
    content = Random(0).randbytes(3_000_000)

    async def main() -> tuple[str, int, set[str]]:
        async with SimulatedMesh(members(5)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            await here.at.pop("p3").close()
            await mesh.end("p3")
            await asyncio.sleep(30)
            id = here.at["asker"].announce(here.plan("data", content), content).id
            while not (held := here.at["p4"].blobs.held_bytes):
                await asyncio.sleep(0.01)
            await mesh.end("p4")  # nothing else of it is closed in order
            await here.at.pop("p4").close()
            await asyncio.sleep(5)
            for name in ("p3", "p4"):
                await mesh.begin(name)
                await here.begin(name)
            view = await until_over(here, id)
            await asyncio.sleep(20)
            have = {name for name in mesh.sittings if (tmp_path / name / "installed/data/table").exists()}
            await here.end()
            return view.status, held, have

    status, held, have = on_virtual_time(main())
    assert (status, have) == ("complete", set(FAST))
    assert 0 < held < len(content)


def test_once_a_peer_has_it_the_one_who_began_is_not_needed(tmp_path: Path) -> None:
    content = prompt_set(BEE)  # without a probe: half a minute a wave

    async def main() -> RolloutView:
        async with SimulatedMesh(members(5)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            id = await announced(here, here.plan("prompts", content), content)
            await asyncio.sleep(2)
            await here.at.pop("asker").close()
            await mesh.end("asker")
            view = await until_over(here, id, at="p0")
            await here.end()
            return view

    view = on_virtual_time(main())
    assert (view.status, len(view.done)) == ("complete", 3)


def test_a_probe_that_luck_fails_once_does_not_stop_a_roll_out(tmp_path: Path) -> None:
    said = iter(["wasp", "bee", "bee"])
    agent = Agent("p1", Scripted(lambda request: f"Answer: {next(said)}"))

    async def main() -> list[str]:
        async with SimulatedMesh([agent]) as mesh:
            prompts = AgentPrompts(AgentHere(mesh.nodes["p1"], mesh.sittings["p1"], agent))
            prompts.put_on(prompt_set(BEE, "bee"))
            return [await prompts.probe()]

    assert on_virtual_time(main()) == [""]
    assert list(said) == []


def test_what_is_installed_is_used_again_after_a_restart(tmp_path: Path) -> None:
    content = prompt_set(BEE, "bee")

    async def main() -> str | None:
        async with SimulatedMesh(members(4)) as mesh:
            here = Here(mesh, tmp_path, ("p1",))
            await here.begin()
            await until_over(here, await announced(here, here.plan("prompts", content), content))
            await here.at.pop("p1").close()
            await mesh.end("p1")
            await mesh.begin("p1")
            await here.begin("p1")
            answers = await here.answers()
            await here.end()
            return answers["p1"]

    assert on_virtual_time(main()) == "bee"


@pytest.mark.parametrize(("kind", "name"), [("data", "table.base"), ("data", "table.new"), ("model", "table")])
def test_who_does_not_take_what_is_rolled_out_says_so_and_nobody_waits(tmp_path: Path, kind: str, name: str) -> None:
    async def main() -> RolloutView:
        async with SimulatedMesh(members(3)) as mesh:
            here = Here(mesh, tmp_path, ("p1",))
            await here.begin()
            rollout = msgspec.structs.replace(here.plan("data", b"x"), slot=f"{kind}/{name}")
            if kind == "data":
                id = here.at["asker"].announce(rollout, b"x").id
            else:
                id = await announced(here, rollout, b"x")
            view = await until_over(here, id)
            await here.end()
            return view

    view = on_virtual_time(main())
    assert view.status == "halted"
    assert list(view.failed.values()) == [f"this peer takes nothing into {kind}/{name}"]
    assert not list(tmp_path.glob(f"p1/installed/{kind}/*"))


@pytest.mark.parametrize(
    "content", [b"\xff", b"prompts = 3", b'[prompts]\nsytem = "x"', b'[prompts]\nsystem = "$5"', b""]
)
def test_a_file_that_is_no_set_of_prompts_is_not_used_at_the_start(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "p1/installed/prompts/agent.toml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)

    async def main() -> str | None:
        async with SimulatedMesh(members(3)) as mesh:
            here = Here(mesh, tmp_path, ("p1",))
            await here.begin()
            answers = await here.answers()
            await here.end()
            return answers["p1"]

    assert on_virtual_time(main()) == "peer"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff", "no set of prompts"),
        (b"prompts = [", "no set of prompts"),
        (b"[prompts]", "replaces no prompt"),
        (b'[prompts]\nsytem = "x"', "system"),
        (b'[prompts]\nsystem = ""', "characters"),
        (b'extra = 1\n[prompts]\nsystem = "x"', "no set of prompts"),
        (b'[[probes]]\nquestion = "?"\nanswer = "x"\nexpects = "number"\n[prompts]\nsystem = "x"', "kind 'number'"),
        (b'[[probes]]\nquestion = ""\nanswer = "x"\n[prompts]\nsystem = "x"', "empty"),
        (b'[[probes]]\nquestion = "?"\nanswer = "x"\n' * 17 + b'[prompts]\nsystem = "x"', "at most 16"),
    ],
)
def test_a_set_of_prompts_that_makes_no_sense_is_refused_before_it_is_announced(content: bytes, says: str) -> None:
    with pytest.raises(WaggleError, match=says):
        planned("prompts", "p.toml", content, TO_FAST, ())


def test_a_roll_out_for_nobody_is_refused_and_names_the_tags_that_there_are(tmp_path: Path) -> None:
    async def main() -> None:
        async with SimulatedMesh(members(3)) as mesh:
            here = Here(mesh, tmp_path, ("p1",))
            await here.begin()
            with pytest.raises(UsageError, match=r"slow.*there are: fast"):
                here.at["asker"].check_for_somebody(here.plan("data", b"x", target=Target(tags=("slow",))))
            await here.end()

    on_virtual_time(main())


def test_a_certificate_whose_votes_are_elsewhere_and_one_that_is_garbled_give_no_warrant(tmp_path: Path) -> None:
    async def main() -> None:
        async with SimulatedMesh(members(4)) as mesh:
            here = Here(mesh, tmp_path, FAST)
            await here.begin()
            decision, warrant = await here.decide(here.plan("prompts", prompt_set(BEE)))
            assert warrant is not None
            await mesh.end("asker")
            await mesh.begin("asker")  # with an empty log
            channels = mesh.nodes["asker"].channels
            if decision.channel in channels:  # given back by the others meanwhile
                channels.drop(channels[decision.channel])
            with pytest.raises(RunFailed, match="the key that asked"):
                await warrant_of(mesh.nodes["asker"], Certificate.from_json(decision.certificate))
            for content in (b"", b"\xc1", warrant.certificate[:-1], warrant.certificate + b"x"):
                with pytest.raises(CertificateInvalid, match="malformed"):
                    certificate_in(msgspec.structs.replace(warrant, certificate=content))
            await here.end()

    on_virtual_time(main())


def test_the_same_content_twice_is_refused_and_the_next_version_takes_its_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with SimulatedMesh(members(3)) as mesh:
            here = Here(mesh, tmp_path, ("p1",))
            await here.begin()
            await until_over(here, here.at["asker"].announce(here.plan("data", b"x"), b"x").id)
            with pytest.raises(UsageError, match="since version 1"):
                here.plan("data", b"x")
            second = here.plan("data", b"y")
            assert (second.version, second.base) == (2, here.at["p1"].installed()["data/table"])
            assert here.plan("data", b"y", target=Target(tags=("slow",))).base is None
            with pytest.raises(UsageError, match="not the artefact"):
                here.at["asker"].announce(second, b"z")
            await here.end()

    on_virtual_time(main())
