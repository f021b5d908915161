"""Write docs/cli.md from the commands' own help, so that the two cannot part: ``python docs/_make_cli.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from waggledance.cli._settings import FLAGS, environment_variable

PAGE = Path(__file__).with_name("cli.md")
COMMANDS = (
    "",
    "ask",
    "run",
    "serve",
    "chat",
    "studio",
    "mcp",
    "join",
    "mesh",
    "mesh status",
    "mesh genesis",
    "mesh peers",
    "mesh watch",
    "mesh invite",
    "mesh find",
    "mesh card",
    "mesh reputation",
    "mesh admit",
    "mesh revoke",
    "mesh leave",
    "rollout",
    "rollout start",
    "rollout status",
    "verify",
    "replay",
    "log",
    "log list",
    "log show",
    "log fork",
    "log verify",
    "log check",
    "log repair",
    "log export",
    "log trace",
    "team",
    "team list",
    "team show",
    "team run",
    "models",
    "models get",
    "config show",
    "sandbox",
    "sandbox check",
    "id",
    "id new",
    "id list",
    "id show",
    "id export",
    "memory",
    "memory search",
    "memory show",
    "memory add",
    "memory forget",
    "memory skills",
    "lab",
    "lab record",
    "lab predict",
    "lab compare",
    "lab report",
    "lab debug",
)
HEAD = """\
# The command line

Written by `docs/_make_cli.py` from the commands' own `--help`. Results go to stdout, progress and errors to
stderr; `--json` prints one JSON object.

| exit code | means |
|---|---|
| 0 | done; for `ask`, there is an answer |
| 1 | a bug: please report the traceback |
| 2 | it cannot be asked like that: an unknown name, a senseless combination, a wrong setting |
| 3 | the run failed: no peer answered, a check did not hold, a log is damaged |
| 74 | a file could not be written: the disk is full, or there is no permission |
| 130 | interrupted, by Ctrl-C or SIGTERM; what was said by then is decided on, printed and kept |
"""
TOML = """
## `waggle.toml`

Describes a swarm once. It is looked for in the working folder and above, or named with `--config` or `WAGGLE_CONFIG`.
Flags override environment variables, those override the file. `waggle config show` prints what is in force and where
each value came from. A wrong entry is refused with its line. Every entry may be left out.

```toml
[ask]
peers = 5
model = ["embedded", "mine"]   # dealt out to peers in turn; or one text
protocol = "debate"
rule = "majority"
topology = "ring"              # with parameters where it has some: "k-regular(k=4)"
rounds = 2                     # how often peers hear each other
patience_s = 120               # how long a round waits for those who are late
answer = "number"              # number, choice, yes/no, short, free or code; guessed when left out
temperature = 0.7
max_tokens = 256
seed = 0

[budget]                       # of one question
tokens = 20000
calls = 40
messages = 500
seconds = 300
usd = 0.10

[quota]                        # of one asker in an hour, where this peer is a member on the network
tokens = 2_000_000
calls = 10_000

[log]
path = "log.db"                # beside this file; in the user's data folder when left out
keep = true

[models.mine]                  # used as --model mine
kind = "openai"                # openai, gguf, embedded, recorded, scripted or a2a
model = "qwen2.5-7b-instruct"
base_url = "http://localhost:8000/v1"
key_env = "MY_KEY"             # the variable that holds the key; the key itself never stands here
headers = { X-Team = "bees", X-Token = "$MY_TOKEN" }
tries = 5                      # on rate limits and server errors
concurrency = 8

[models.coder]
kind = "gguf"
path = "qwen2.5-coder.gguf"    # relative to this file
threads = 4
slots = 8
context_tokens = 4096

[tools.files]                  # an MCP server, used with --tools files, [ask] tools or a peer's tools
command = ["my-server", "/data"]  # or url = "https://…/mcp" with headers
env = { TOKEN = "$MY_TOKEN" }  # of our own environment it sees PATH, HOME and the like only
allow = ["read_text_file"]     # all of its tools when left out
within_s = 30

[[peers]]                      # with any of these, exactly these are seated; --peers and --model override them
name = "ada"
model = "mine"
persona = "sceptic"             # a known one, or a sentence: "You are …"
temperature = 0.2
weight = 2.0                   # voting weight

[[peers]]
name = "ben"

[swarms.careful]               # a swarm that `waggle serve` serves as waggle/careful; [ask] where it says nothing
about = "two that debate"
peers = 2
model = "mine"
protocol = "debate"
```
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_section(command) for command in COMMANDS) + TOML + _variables()


def _variables() -> str:
    rows = "".join(f"| `{key}` | `{FLAGS[key]}` | `{environment_variable(key)}` |\n" for key in FLAGS)
    return f"\n| setting | flag | environment variable |\n|---|---|---|\n{rows}"


def _section(command: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "TERMINAL_WIDTH": "100"}
    run = "from waggledance.cli import main; import sys; sys.argv[0] = 'waggle'; main()"
    words = [sys.executable, "-c", run, *command.split(), "--help"]
    shown = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603
    lines = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    return f"\n## `{f'waggle {command}'.strip()}`\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
