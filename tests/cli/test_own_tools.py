"""Tool servers of waggle.toml: seated with the peers that may use them, and wrong tables named with their line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from waggledance.cli._config import WrongSetting, in_force
from waggledance.cli._own_tools import tools_named
from waggledance.cli._seating import seat, tables
from waggledance.core import UnknownName, UsageError
from waggledance.models import Scripted
from waggledance.peers import Agent

SERVER = Path(__file__).parent.parent / "gateways" / "_tool_server.py"


def toml(folder: Path, text: str) -> Path:
    file = folder / "waggle.toml"
    file.write_text(text)
    return file


def test_peers_share_the_servers_that_they_may_use_and_one_may_have_its_own(tmp_path: Path) -> None:
    file = toml(
        tmp_path,
        """
ask = { tools = ["calc"] }
tools.calc = { command = ["calc-server"], allow = ["add"] }
tools.web = { url = "http://127.0.0.1:9/mcp", headers = { authorization = "$TOKEN" } }
[[peers]]
name = "ann"
[[peers]]
name = "bob"
tools = ["web", "calc"]
[[peers]]
name = "cee"
tools = []
""",
    )
    force = in_force(config=file, env={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", "secret")
        seating = seat(tables(force), {"embedded": Scripted(["4"])}, force, human=False)
    names = [[box.name for box in peer.tools] for peer in seating.peers if isinstance(peer, Agent)]  # type: ignore[attr-defined]
    assert names == [["calc"], ["web", "calc"], []]
    ann, bob, _ = seating.peers
    assert isinstance(ann, Agent)
    assert isinstance(bob, Agent)
    assert ann.tools[0] is bob.tools[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tools.calc]\ncommand = ['x']\nurl = 'http://x'\n", "line 1.*one of the two"),
        ("[tools.calc]\n", "line 1.*one of the two"),
        ("[tools.Calc]\ncommand = ['x']\n", "lower-case"),
        (
            "[tools.calc]\nurl = 'http://x'\nheaders = { a = '$NO_SUCH_VARIABLE' }\n",
            "NO_SUCH_VARIABLE, which is not set",
        ),
        ("[tools.calc]\ncommand = ['x']\nwithin_s = 0\n", "positive number of seconds"),
    ],
)
def test_a_table_that_makes_no_sense_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    force = in_force(config=toml(tmp_path, text), env={})
    [name] = force.settings.tools
    with pytest.raises(WrongSetting, match=f"(?s){says}"):
        tools_named(name, force)


def test_a_server_that_there_is_not_is_named_with_the_nearest(tmp_path: Path) -> None:
    force = in_force({"ask.tools": ("cacl",)}, config=toml(tmp_path, "[tools.calc]\ncommand = ['x']\n"), env={})
    with pytest.raises(UnknownName, match="did you mean 'calc'"):
        seat(tables(force), {"embedded": Scripted(["4"])}, force, human=False)
    with pytest.raises(UsageError, match="comand"):
        in_force(config=toml(tmp_path, "[tools.calc]\ncomand = ['x']\n"), env={})


def test_asked_with_a_tool_server_the_command_answers_and_leaves_no_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    command = json.dumps([sys.executable, str(SERVER), "child", str(note)])
    toml(tmp_path, f"[tools.calc]\ncommand = {command}\n")
    ended = subprocess.run(
        [sys.executable, "-c", "from waggledance.cli import main; main()", "ask", "--json", "--no-log", "--quiet",
         "--tools", "calc", "--peers", "1", "--model", "scripted:Answer: 4", "2+2?"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["answer"] == "4"
    pid = int(note.read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
