"""The page in Firefox, driven by WebDriver BiDi (W3C): it works there, and nothing is said against its policy."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox") or ""
WITHIN_S = 30.0
NOTE_COMPLAINTS = """() => {
  window.complaints = [];
  const note = (words) => window.complaints.push(words);
  addEventListener("securitypolicyviolation", (e) => note(`${e.violatedDirective} ${e.blockedURI}`));
  addEventListener("error", (e) => note(e.message));
  addEventListener("unhandledrejection", (e) => note(String(e.reason)));
}"""

pytestmark = pytest.mark.skipif(not FIREFOX, reason="Firefox is not here")


class Firefox:
    """One tab of a Firefox.

    Args:
        socket: the connection to its WebDriver BiDi.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self.said: list[str] = []
        """What stood on the console."""
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self.ask("script.addPreloadScript", functionDeclaration=NOTE_COMPLAINTS)
        self.tab: str = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            came = json.loads(self._socket.recv(timeout=WITHIN_S))
            if came.get("method") == "log.entryAdded":
                self.said.append(f"{came['params']['level']}: {came['params']['text']}")
            if came.get("id") == number:
                assert came["type"] == "success", came
                return came["result"]

    def open(self, address: str) -> None:
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def run(self, script: str) -> Any:
        """Return what an expression of simple values is in the page."""
        found = self.ask("script.evaluate", expression=f"JSON.stringify({script})", target={"context": self.tab},
                         awaitPromise=True)["result"]  # fmt: skip
        assert found["type"] in ("string", "undefined"), found
        return json.loads(found["value"]) if "value" in found else None

    def until(self, script: str) -> Any:
        """Wait until an expression is true in the page; return it."""
        end = time.monotonic() + WITHIN_S
        while not (found := self.run(script)):
            assert time.monotonic() < end, f"never came: {script}"
        return found

    def click(self, selector: str) -> None:
        self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, *keys: str) -> None:
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("input.performActions", context=self.tab, actions=[{"type": "key", "id": "k", "actions": actions}])


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Generator[Firefox]:
    profile = tmp_path_factory.mktemp("firefox")
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            address = next(
                found[1] for line in process.stderr if (found := re.search(r"BiDi listening on (\S+)", line))
            )
            threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop it
            with connect(f"{address}/session", max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.kill()


def test_a_run_is_looked_at_gone_back_in_searched_and_reworded(
    firefox: Firefox, studio: str, ask: Callable[..., object], log: Path
) -> None:
    ask()
    assert log.exists()
    firefox.open(studio)
    firefox.click(".channels li a")
    firefox.until("document.querySelector('.card-budget canvas') !== null")
    assert firefox.run("[...document.querySelectorAll('.card-decision .bar-part')].map((e) => e.innerText)") == [
        "75 %",
        "25 %",
    ]
    firefox.press("\ue011")  # Home
    firefox.until("document.querySelector('.count').innerText.startsWith('1 ')")
    firefox.press("\ue010")  # End
    firefox.click(".matrix .cell")
    firefox.until("document.querySelector('.turn.reply') !== null")
    firefox.press("i")
    firefox.until("document.querySelector('.intervene') !== null")

    firefox.run("[...document.querySelectorAll('.opened button')].find((b) => b.innerText === 'Edit…').click()")
    firefox.until("document.querySelector('.rewrite textarea') !== null")
    firefox.run("document.querySelector('.rewrite textarea').select()")
    firefox.press(*"Answer: 12")
    firefox.until("document.querySelector('.rewrite input').value === '12'")

    firefox.run("document.activeElement.blur()")
    firefox.press("/")
    firefox.until("document.querySelector('dialog[open] input') !== null")
    firefox.press(*"count them")
    firefox.until("document.querySelectorAll('.hits button').length > 0")
    firefox.press("\ue00c")  # Escape
    firefox.until("document.querySelector('dialog[open]') === null")

    before = firefox.run("document.documentElement.dataset.theme")
    firefox.press("t")
    firefox.until(f"document.documentElement.dataset.theme !== {json.dumps(before)}")
    assert firefox.run("window.complaints") == []
    assert firefox.said == []
