import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from waggledance.core import UnknownName, UsageError
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._sandbox_cgroup import parents_here
from waggledance.tasks._sandbox_limits import Limits, Ran
from waggledance.tasks._sandbox_walls import WALLS, Walls, against, best

SMALL = Limits(memory_bytes=200 << 20, cpu_s=1, wall_s=10, processes=32, disk_bytes=8 << 20)
BIG = "b = b'x' * (90 << 20)"
BEHIND: list[Walls] = ["bubblewrap", "namespaces"]


def with_walls(walls: Walls) -> Sandbox:
    """Return a sandbox with such walls, or skip the test and say why they cannot be had."""
    if against(walls):
        pytest.skip(f"{walls}: {against(walls)}")
    return Sandbox(SMALL, walls=walls)


def running(mark: str) -> list[str]:
    """Return the command lines of living processes that hold a mark."""
    found: list[str] = []
    for at in Path("/proc").iterdir():
        try:
            line = (at / "cmdline").read_bytes().decode(errors="replace") if at.name.isdigit() else ""
        except OSError:
            continue
        if mark in line and int(at.name) != os.getpid():
            found.append(line)
    return found


async def code(sandbox: Sandbox, text: str, limits: Limits | None = None) -> Ran:
    """Run code under a mark of its own, and see that nothing of it is left: no process, no folder, no group."""
    mark = f"mark-{os.urandom(8).hex()}"
    before = set(Path("/tmp").glob("waggle-sandbox-*"))
    ran = await sandbox.run([sys.executable, "-c", text, mark], limits=limits)
    assert running(mark) == []
    assert set(Path("/tmp").glob("waggle-sandbox-*")) <= before
    assert not [group for parent in parents_here().values() for group in parent.glob(f"waggle-{os.getpid()}-*")]
    return ran


def matrix(all_walls: Iterable[Walls]) -> list[ParameterSet]:
    """Return the walls to test behind; fast only the best ones here, as every start takes a tenth of a second."""
    best_here = best()
    return [pytest.param(walls, marks=[] if walls == best_here else pytest.mark.slow) for walls in all_walls]


@pytest.fixture(params=matrix(WALLS))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return with_walls(request.param)


@pytest.fixture(params=matrix(BEHIND))
def behind(request: pytest.FixtureRequest) -> Sandbox:
    return with_walls(request.param)


async def test_a_program_ends_by_itself_and_says_what_it_printed(sandbox: Sandbox) -> None:
    ran = await sandbox.python(
        "import sys, helper\nprint(helper.two)\nprint('no', file=sys.stderr)", files={"helper.py": "two = 2"}
    )
    assert (ran.ok, ran.out, ran.err, ran.why()) == (True, "2\n", "no\n", "exit code 0")


@pytest.mark.parametrize("walls", WALLS)
async def test_behind_any_walls_a_limit_holds_and_nothing_is_left(walls: Walls) -> None:
    ran = await code(with_walls(walls), DAEMON + "f = open('f', 'wb')\nwhile True: f.write(b'x' * 100_000)")
    assert ran.stopped == "disk" or "File too large" in ran.why()


async def test_an_exit_code_and_the_last_line_of_the_error_say_why(sandbox: Sandbox) -> None:
    ran = await code(sandbox, "raise ValueError('no such bee')")
    assert (ran.exit_code, ran.stopped) == (1, "")
    assert ran.why() == "exit code 1: ValueError: no such bee"
    assert (await sandbox.run(["no-such-program"])).exit_code == 127


async def test_a_gigabyte_printed_is_ended_and_costs_kilobytes(sandbox: Sandbox) -> None:
    ran = await code(sandbox, "import sys\nwhile True: sys.stdout.write('x' * 1_000_000)")
    assert ran.stopped == "output"
    assert len(ran.out) < ran.limits.kept_bytes + 100
    assert "bytes left out" in ran.out


async def test_two_hundred_children_are_ended(sandbox: Sandbox) -> None:
    ran = await code(
        sandbox, "import os, time\nfor _ in range(200):\n  if not os.fork(): time.sleep(600)\ntime.sleep(600)"
    )
    assert ran.stopped == "processes"


async def test_four_gigabytes_are_not_had(sandbox: Sandbox) -> None:
    ran = await code(sandbox, "b = bytearray(4 << 30)\nfor i in range(0, len(b), 4096): b[i] = 1")
    assert ran.stopped == "memory" or "MemoryError" in ran.why()
    assert ran.peak_bytes < 300 << 20


async def test_memory_is_limited_for_all_processes_together(sandbox: Sandbox) -> None:
    text = f"import os, time\nfor _ in range(6):\n  if not os.fork(): {BIG}; time.sleep(600)\ntime.sleep(600)"
    assert (await code(sandbox, text)).stopped == "memory"


async def test_memory_that_is_shared_counts_once(sandbox: Sandbox) -> None:
    text = (
        f"import os, time\n{BIG}\nfor _ in range(6):\n  if not os.fork(): time.sleep(.2); os._exit(0)\ntime.sleep(.3)"
    )
    assert (await code(sandbox, text)).ok


async def test_a_disk_is_full_at_its_limit(sandbox: Sandbox) -> None:
    ran = await code(sandbox, "f = open('f', 'wb')\nwhile True: f.write(b'x' * 100_000)")
    assert ran.stopped == "disk" or "File too large" in ran.why()


async def test_many_files_fill_a_disk_too(sandbox: Sandbox) -> None:
    text = (
        "import time\nfor i in range(40): open(str(i), 'wb').write(b'x' * 1_000_000); time.sleep(.02)\ntime.sleep(600)"
    )
    assert (await code(sandbox, text)).stopped == "disk"


async def test_whoever_computes_on_is_ended(sandbox: Sandbox) -> None:
    assert (await code(sandbox, "while True: pass", Limits(cpu_s=0.3))).stopped == "cpu"


@pytest.mark.parametrize("text", ["", "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]"])
async def test_whoever_sleeps_for_ever_is_ended_also_against_its_will(sandbox: Sandbox, text: str) -> None:
    ran = await code(sandbox, f"import signal, time\n{text}\ntime.sleep(600)", Limits(wall_s=0.8))
    assert ran.stopped == "wall"
    assert "it waited" in ran.why()
    assert ran.wall_ms < 5_000


DAEMON = """
import os, sys, time
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(600)
    os._exit(0)
time.sleep(.2)
print('done')
"""


async def test_a_daemon_does_not_outlive_its_run(sandbox: Sandbox) -> None:
    ran = await code(sandbox, DAEMON)
    assert (ran.ok, ran.out) == (True, "done\n")


async def test_the_keeper_finds_a_daemon_that_hides_also_without_control_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waggledance.tasks._sandbox._groups_here", dict[str, Path])
    hides = "os.execve(sys.executable, [sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]], {})"
    ran = await code(with_walls("none"), DAEMON.replace("time.sleep(600)", hides))
    assert (ran.ok, ran.out) == (True, "done\n")


@pytest.mark.parametrize("walls", BEHIND)
def test_walls_are_put_up_wherever_the_machine_lets_anybody(walls: Walls) -> None:
    """A mistake in how they are put up would look like a machine that has none, and every other test would skip."""
    trial = {"bubblewrap": ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"],
             "namespaces": ["unshare", "-Urnmpf", "mount", "-t", "proc", "proc", "/proc"]}[walls]  # fmt: skip
    if shutil.which(trial[0]) is None or subprocess.run(trial, capture_output=True).returncode:
        pytest.skip(f"this machine lets nobody: {' '.join(trial)}")
    assert against(walls) == ""


async def test_whoever_kills_its_parent_wins_nothing(sandbox: Sandbox) -> None:
    text = "import os, time\nif not os.fork(): os.setsid(); time.sleep(600)\nos.kill(os.getppid(), 9)\ntime.sleep(600)"
    ran = await code(sandbox, text, Limits(wall_s=1))
    assert not ran.ok
    assert ran.stopped == "wall" or "signal 9" in ran.why()


async def test_a_run_has_no_network(behind: Sandbox) -> None:
    text = (
        "import socket\n"
        "for at in (('127.0.0.1', PORT), ('192.0.2.1', 80)):\n"
        "  s = socket.socket(); s.settimeout(1)\n"
        "  try: s.connect(at); print('connected')\n"
        "  except OSError as why: print('no')\n"
    )
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await code(behind, text.replace("PORT", str(port)))).out == "no\nno\n"


async def test_a_run_sees_no_file_but_the_system_and_python(behind: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (Path.home() / ".ssh").mkdir(exist_ok=True)
    looked = ["/etc/shadow", "/etc/passwd", str(Path.home() / ".ssh"), str(tmp_path / "secret"), str(Path(__file__))]
    ran = await code(behind, f"import os\nprint([p for p in {looked} if os.path.exists(p)])")
    assert ran.out == "[]\n"


async def test_a_run_writes_nowhere_but_to_its_disk(behind: Sandbox) -> None:
    text = (
        "for at in ('/usr/x', '/lib/x', '/in/x'):\n  try: open(at, 'w'); print('wrote')\n  except OSError: print('no')"
    )
    assert (await code(behind, text)).out == "no\nno\nno\n"


async def test_a_run_sees_what_was_allowed_and_cannot_change_it(behind: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("bees")
    sandbox = Sandbox(walls=behind.walls, readable=[tmp_path])
    at = str(tmp_path / "data")
    ran = await code(sandbox, f"print(open({at!r}).read())\nopen({at!r}, 'w')")
    assert ran.out == "bees\n"
    assert "Read-only" in ran.err
    assert (tmp_path / "data").read_text() == "bees"


async def test_no_key_is_in_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    ran = await code(sandbox, "import os; print(sorted(os.environ)); print(os.path.exists(os.environ['HOME']))")
    assert "OPENAI_API_KEY" not in ran.out
    assert ran.out.endswith("True\n")


async def test_a_folder_is_copied_in_and_stays_as_it_was(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a").write_text("one")
    text = (
        "import pathlib\np = pathlib.Path('inner/a')\nprint(p.read_text())\np.write_text('two')\nprint(p.read_text())"
    )
    ran = await sandbox.run([sys.executable, "-c", text], folder=tmp_path)
    assert ran.out == "one\ntwo\n"
    assert (tmp_path / "inner" / "a").read_text() == "one"


async def test_a_cancelled_run_leaves_nothing(sandbox: Sandbox) -> None:
    task = asyncio.ensure_future(sandbox.run([sys.executable, "-c", "import time; time.sleep(600)", "mark-cancel"]))
    while not running("mark-cancel"):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running("mark-cancel") == []


async def test_a_run_that_is_cancelled_while_it_is_being_set_up_leaves_nothing(sandbox: Sandbox) -> None:
    for milliseconds in range(0, 60, 3):
        task = asyncio.ensure_future(sandbox.run([sys.executable, "-c", "import time; time.sleep(600)", "mark-early"]))
        await asyncio.sleep(milliseconds / 1_000)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert running("mark-early") == []


async def test_many_run_at_once_and_keep_apart(sandbox: Sandbox) -> None:
    many = Sandbox(SMALL, walls=sandbox.walls, at_once=4)
    ran = await asyncio.gather(
        *(many.python(f"open('x', 'w').write('{i}')\nprint(open('x').read())") for i in range(8))
    )
    assert [one.out for one in ran] == [f"{i}\n" for i in range(8)]


async def test_a_hog_does_not_hold_up_the_loop(sandbox: Sandbox) -> None:
    late: list[float] = []

    async def beat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - before)

    beating = asyncio.ensure_future(beat())
    await code(sandbox, "import os, time\nfor _ in range(9): os.fork()\ntime.sleep(600)")
    beating.cancel()
    assert max(late) < 2.0


def test_every_limit_is_said_to_be_enforced_or_why_not() -> None:
    tables = [with_walls(walls).enforces() for walls in WALLS if not against(walls)]
    assert len({frozenset(table) - {"walls"} for table in tables}) == 1
    bare = tables[-1]
    assert bare["network"].startswith("not here: ")
    assert bare["files"].startswith("not here: ")


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", "a\0b"])
async def test_a_file_outside_the_folder_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="relative path"):
        await Sandbox(walls="none").run(["true"], files={path: ""})


async def test_bad_wishes_are_refused(tmp_path: Path) -> None:
    sandbox = Sandbox(SMALL, walls="none")
    for wish in ([], ["a\0b"]):
        with pytest.raises(UsageError, match="one or more words"):
            await sandbox.run(wish)
    with pytest.raises(UsageError, match="larger than its disk"):
        await sandbox.run(["true"], files={"a": b"x" * (9 << 20)})
    with pytest.raises(UsageError, match="no folder"):
        await sandbox.run(["true"], folder=tmp_path / "none")
    with pytest.raises(UsageError, match="not there"):
        Sandbox(readable=[tmp_path / "none"])
    with pytest.raises(UsageError, match="at least one run"):
        Sandbox(at_once=0)
    with pytest.raises(UnknownName, match="bubblewrap"):
        Sandbox(walls="bubblewarp")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["memory_bytes", "cpu_s", "wall_s", "processes", "disk_bytes", "kept_bytes"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_limits_nothing_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        replace(Limits(), **{name: value})  # type: ignore[arg-type]
