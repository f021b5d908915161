"""Importing the room loads no server and no library of a protocol, and neither does making a host."""

import subprocess
import sys

HEAVY = (
    "starlette",
    "uvicorn",
    "prometheus_client",
    "jsonschema",
    "mcp",
    "a2a",
    "ag_ui",
    "pydantic",
    "numpy",
    "openai",
)


def test_the_room_and_its_host_are_light() -> None:
    program = (
        "import sys\n"
        "from waggledance import FunctionPeer, Swarm\n"
        "import waggledance.gateways\n"
        "from waggledance.gateways import Host, Hosted, Keys, Limits, Order\n"
        "Host({'default': Hosted(Swarm([FunctionPeer('ada', lambda question: '4')]))})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"
