"""Words of members elsewhere are heard while they are said: as hints, which nothing rests on."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from waggledance import Swarm
from waggledance.core import Message, PeerId, Proposal, Words
from waggledance.mesh import Mesh
from waggledance.mesh._overhearing import LOST, Overhearing
from waggledance.mesh._telling import MAX_CHARS, WISH_SECONDS, WISHES
from waggledance.mesh._wire import seal
from waggledance.mesh._words_messages import AskWords, TellWords
from waggledance.models import Completion, Request, Scripted
from waggledance.network import Constant
from waggledance.peers import Agent
from waggledance.protocols import Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

A, B = PeerId(bytes([1]) * 32), PeerId(bytes([2]) * 32)
LONG = "Sheep run away; those that are left are nine.\nAnswer: 9"


class Slow(Scripted):
    """Says a word every tenth of a second."""

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        self.streamed = getattr(self, "streamed", 0) + 1
        completion = await self.complete(request)
        for word in completion.text.split(" "):
            hear(f"{word} ")
            await asyncio.sleep(0.1)
        return completion


def members(n: int = 3) -> list[Agent]:
    return [Agent(f"p{i}", Slow(LONG)) for i in range(n)]


def test_the_words_of_every_member_come_in_order_and_before_its_message() -> None:
    async def main() -> list[Words | Message[Proposal]]:
        async with SimulatedMesh(members(), delay=Constant(0.01)) as mesh:
            asking = Mesh(mesh.nodes["asker"])
            swarm = Swarm(asking.peers(), network=asking, protocol=Vote(patience_s=30))
            return [e async for e in swarm.watch("How many?", expects="number", closely=True)
                    if isinstance(e, Words) or (isinstance(e, Message) and isinstance(e.body, Proposal))]  # fmt: skip

    heard = on_virtual_time(main())
    first = next(i for i, event in enumerate(heard) if isinstance(event, Message))
    told: dict[str, str] = {}
    for event in heard[:first]:
        assert isinstance(event, Words)
        told[event.name] = told.get(event.name, "") + event.text
    assert {name: text.split() for name, text in told.items()} == {f"p{i}": LONG.split() for i in range(3)}
    assert all(isinstance(event, Message) for event in heard[first:])


@pytest.mark.parametrize("closely", [False, True])
def test_members_stream_only_while_the_asker_listens(closely: bool) -> None:
    async def main() -> list[int]:
        peers = members()
        async with SimulatedMesh(peers) as mesh:
            asking = Mesh(mesh.nodes["asker"])
            swarm = Swarm(asking.peers(), network=asking, protocol=Vote(patience_s=30))
            async for _ in swarm.watch("How many?", closely=closely):
                pass
        return [getattr(peer.model, "streamed", 0) for peer in peers]

    assert on_virtual_time(main()) == ([1, 1, 1] if closely else [0, 0, 0])


def test_hints_are_in_no_copy_and_change_no_decision() -> None:
    async def main(*, closely: bool) -> tuple[dict[str, str], list[str]]:
        async with SimulatedMesh(members(), seed=4) as mesh:
            asking = Mesh(mesh.nodes["asker"])
            swarm = Swarm(asking.peers(), network=asking, protocol=Debate(rounds=1))
            async for event in swarm.watch("How many?", expects="number", closely=closely):
                last = event
            kinds = [m.kind for m in mesh.nodes["asker"].channels[last.channel].copy.messages()]  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
            return dict(last.support), sorted(kinds)  # type: ignore[union-attr, arg-type]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]

    assert on_virtual_time(main(closely=True)) == on_virtual_time(main(closely=False))


def test_lost_words_are_marked_and_the_answer_comes_all_the_same() -> None:
    async def main() -> tuple[list[Words], object]:
        async with SimulatedMesh(members(), seed=2, loss=0.4) as mesh:
            asking = Mesh(mesh.nodes["asker"])
            swarm = Swarm(asking.peers(), network=asking, protocol=Vote(patience_s=60))
            events = [event async for event in swarm.watch("How many?", expects="number", closely=True)]
            return [event for event in events if isinstance(event, Words)], events[-1]

    heard, last = on_virtual_time(main())
    assert any(words.text.startswith(LOST) for words in heard)
    assert last.key == "9"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


class Listener:
    """An `Overhearing` of one question with two members, and what came of it."""

    def __init__(self) -> None:
        self.asked: dict[PeerId, AskWords] = {}
        self.heard: list[Words] = []
        self.refused: Counter[str] = Counter()
        self.hears = Overhearing(self.asked.__setitem__, Random(1), self.refused)
        self.end = self.hears.begin("q1", {A: "ada", B: "ben"}, self.heard.append)

    def told(self, sender: PeerId, text: str, at: int = 0, *, nonce: bytes | None = None) -> None:
        own = self.asked[sender].nonce if nonce is None else nonce
        self.hears.on(sender, TellWords("q1", own, 1, at, text))

    def text(self) -> str:
        return "".join(words.text for words in self.heard)


def test_nobody_speaks_as_another_and_nobody_speaks_twice() -> None:
    async def main() -> None:
        listener = Listener()
        listener.told(A, "nine", nonce=listener.asked[B].nonce)
        listener.told(A, "nine", nonce=bytes(16))
        assert (listener.heard, listener.refused["words"]) == ([], 2)
        listener.told(A, "nine")
        listener.told(A, "nine")
        listener.told(A, "ine teen", at=1)
        assert listener.text() == "nine teen"
        assert listener.refused["words"] == 3
        listener.told(A, "!", at=20)
        assert listener.text() == f"nine teen{LOST}!"
        listener.end()
        listener.told(A, "?", at=21)
        assert listener.text() == f"nine teen{LOST}!"

    on_virtual_time(main())


def test_one_member_fills_its_own_share_and_no_more() -> None:
    async def main() -> None:
        listener = Listener()
        for i in range(MAX_CHARS // 2_000 + 5):
            listener.told(A, "x" * 2_000, at=2_000 * i)
        listener.told(B, "me too")
        assert len(listener.text()) == MAX_CHARS + len("me too")
        assert listener.refused["words"] == 5
        listener.end()

    on_virtual_time(main())


def test_a_member_whose_way_out_is_full_drops_words_and_no_message() -> None:
    async def main() -> None:
        async with SimulatedMesh(members(2)) as mesh:
            node = mesh.nodes["p0"]
            held = mesh.nodes["asker"].open(f"q1-{mesh.nodes['asker'].draw_mark()}", [node.me])
            assert node.telling.nonce(held) is None
            mark = AskWords(held.name, bytes(16))
            node.telling.on(mesh.nodes["asker"].me, mark)
            before = mesh.hub.sent
            node.telling.tell(held, 1, 0, "a")
            assert mesh.hub.sent == before + 1
            node.transport.congested = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
            node.telling.tell(held, 1, 1, "b")
            assert mesh.hub.sent == before + 1

    on_virtual_time(main())


def test_a_wish_that_is_not_said_again_ends_and_old_ones_make_room() -> None:
    async def main() -> None:
        async with SimulatedMesh(1) as mesh:
            node, asker = mesh.nodes["p0"], mesh.nodes["asker"]
            held = asker.open(f"q1-{asker.draw_mark()}", [node.me])
            node.telling.on(asker.me, AskWords(held.name, bytes(16)))
            assert node.telling.nonce(held) == bytes(16)
            await asyncio.sleep(WISH_SECONDS)
            assert node.telling.nonce(held) is None
            node.telling.on(asker.me, AskWords(held.name, bytes(16)))
            for i in range(WISHES):
                node.telling.on(asker.me, AskWords(f"q{i}", bytes(16)))
            assert node.telling.nonce(held) is None

    on_virtual_time(main())


def test_a_wish_is_heard_of_members_only() -> None:
    async def main() -> None:
        async with SimulatedMesh(2) as mesh:
            node, stranger = mesh.nodes["p0"], PeerId(bytes(32))
            held = mesh.nodes["asker"].open(f"q1-{mesh.nodes['asker'].draw_mark()}", [node.me])
            unsigned = seal(mesh.keys["p1"], node.swarm, node.me, AskWords(held.name, bytes(16)))
            node._receive([unsigned.replace(mesh.keys["p1"].peer, stranger)])  # pyright: ignore[reportPrivateUsage]
            assert node.refused["stranger"] == 1
            node._receive([unsigned])  # pyright: ignore[reportPrivateUsage]
            assert node.telling.nonce(held) is None, "p1 did not open the channel"

    on_virtual_time(main())
