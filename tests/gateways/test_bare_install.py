"""The server where no extra is installed, as after the first `./waggle`: what it cannot speak, it says, and serves."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

BARE = """
import sys
for name in ("a2a", "httpcore", "httpx", "sse_starlette", "mcp", "mcp_types", "opentelemetry", "duckdb", "matplotlib"):
    sys.modules[name] = None
sys.argv[0] = "waggle"
from waggledance.cli import main
main()
"""


def test_waggle_serve_serves_and_names_the_doors_that_stay_closed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BARE, "serve", "--port", "0", "--no-log", "--model", "scripted:4"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        said: list[str] = []
        for line in server.stderr:
            said.append(line)
            if line.startswith("serving at "):
                address = line.split()[2].removesuffix(";").removesuffix("/v1")
                with urllib.request.urlopen(f"{address}/healthz", timeout=30) as answer:
                    assert answer.status == 200
                server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0, "".join(said)
    closed = [line for line in said if "stays closed" in line]
    assert [line.split()[1] for line in closed] == ["a2a", "mcp"]
    assert "[a2a]" in closed[0]
