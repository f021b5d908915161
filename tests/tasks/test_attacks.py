"""What programs and plans cannot take: the seven abusers of a machine, and steps that beget steps."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from itertools import count
from pathlib import Path

import msgspec
import pytest

from waggledance.core import ToolCall
from waggledance.models import Completion, Request, Scripted
from waggledance.network import Constant
from waggledance.peers import Agent
from waggledance.peers._toolbox import MAX_CALLS, MAX_ROUNDS
from waggledance.tasks import Add, Claiming, Delegating, Planned, PlanResult, Task
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._sandbox_limits import Limits
from waggledance.tasks._sandbox_walls import best
from waggledance.testing import Run, simulate

# -- C4: resource exhaustion -------------------------------------------------------------------------------------------

LIMITS = Limits(memory_bytes=200 << 20, cpu_s=1, wall_s=3, processes=32, disk_bytes=8 << 20)
SLEEP = "time.sleep(600)"
ABUSERS = {
    "fork bomb": ("import os\nwhile True: os.fork()", {"processes", "cpu", "memory"}),
    "allocator": ("b = bytearray(1 << 30)\nfor i in range(0, len(b), 4096): b[i] = 1", {"memory", ""}),
    "endless output": ("while True: print('x' * 100_000)", {"output"}),
    "sleeper": (f"import time\n{SLEEP}", {"wall"}),
    "double fork": (
        f"import os, time\nif not os.fork():\n  os.setsid()\n  if not os.fork(): {SLEEP}\n  os._exit(0)",
        {""},
    ),
    "writer outside its folder": ("open({outside!r}, 'w').write('x')", {""}),
    "socket opener": ("import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)", {""}),
}
"""Seven, as in agentcgroup (arXiv:2602.09345): what each does, and what may stop it; nothing where it just fails."""


def alive(mark: str) -> list[str]:
    """Return the processes that hold a mark in their command lines."""
    found = list[str]()
    for at in Path("/proc").iterdir():
        try:
            line = (at / "cmdline").read_bytes().decode(errors="replace") if at.name.isdigit() else ""
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return found


@pytest.mark.parametrize("abuser", ABUSERS)
async def test_attack_c4_each_of_the_seven_abusers_ends_within_its_limit_and_leaves_nothing(abuser: str) -> None:
    if best() == "none":
        pytest.skip("no walls can be put up here, and without them files and sockets are open")
    heard = list[str]()

    async def hear(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(abuser)
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    text, stopped = ABUSERS[abuser]
    with tempfile.TemporaryDirectory() as folder:
        outside, mark = Path(folder, "outside"), f"mark-{os.urandom(8).hex()}"
        port = server.sockets[0].getsockname()[1]
        code = text.replace("{outside!r}", repr(str(outside))).replace("{port}", str(port))
        ran = await Sandbox(LIMITS).run([sys.executable, "-c", code, mark])
        assert not outside.exists()
    server.close()
    await server.wait_closed()
    assert ran.stopped in stopped, ran.why()
    assert ran.ok == (abuser == "double fork"), ran.why()
    assert alive(mark) == []
    assert heard == []
    assert len(ran.out) < 1 << 20


# -- D15: runaway spawning --------------------------------------------------------------------------------------------


def spawning(request: Request) -> Completion:
    """Want as many further steps as there can be, whenever there is a way to ask for them."""
    calls = tuple(
        ToolCall(f"c{n}", "do_step", msgspec.json.encode({"step": f"step {next(NUMBERS)}", "kind": "any"}).decode())
        for n in range(2 * MAX_CALLS if request.tools else 0)
    )
    text = "" if calls else "done"
    return Completion(text=text, prompt_tokens=5, completion_tokens=5, finish="stop", seconds=0.0, calls=calls)


NUMBERS = count()


def spawned() -> tuple[Run, Scripted]:
    whole, box, model = Task(goal="Do it all"), Delegating(within_s=60.0), Scripted(spawning, delay_s=0.5)
    agents = [Agent(f"p{n}", model, tools=[box]) for n in range(3)]
    planned = Planned(ops=(Add(whole),), execute=box, claiming=Claiming(in_flight=8, lease_s=20.0, stagger_s=0.2))
    return simulate(planned, whole.goal, peers=agents, seed=3, delay=Constant(0.05), limit_s=900), model


def test_attack_d15_a_model_that_always_wants_more_steps_gets_so_many_and_its_steps_get_none() -> None:
    run, model = spawned()
    steps = len(PlanResult.of(run.log).plan.entries) - 1
    assert 0 < steps <= MAX_ROUNDS * MAX_CALLS
    planning = [request for request in model.requests if request.tools]
    assert len(planning) <= MAX_ROUNDS + 1, "none but the first is offered a way to ask for more"
    assert run.decision.key == "done"
