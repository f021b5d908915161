"""A real `waggle studio` in a process of its own, and Chromium to look at it; without them these tests are skipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from waggledance import Swarm
from waggledance.core import Decision, Log
from waggledance.models import Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
ROOT = Path(__file__).parents[3]
AXE = ROOT / "web" / "studio" / "node_modules" / "axe-core" / "axe.min.js"
QUESTION = "A farmer has 17 sheep. All but 9 run away. How many are left?"
ANSWERS = {"ada": "9", "ben": "8", "cleo": "9", "dov": "9"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them as slow, for browsers are, and skip those that need one where there is none."""
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.slow)
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skipif(find_spec("playwright") is None, reason="playwright is not here"))
            item.add_marker(pytest.mark.skipif(not CHROMIUM, reason="Chromium is not here"))


def peers(*, delay_s: float = 0.0, said: str = "I count them one by one.") -> list[Agent]:
    """Return four agents with scripted models; ben is wrong."""
    return [
        Agent(name, Scripted(f"{said}\nAnswer: {key}", delay_s=delay_s, name="scripted"))
        for name, key in ANSWERS.items()
    ]


Ask = Callable[..., Decision]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the log of a file's tests is, which need not be there yet."""
    return tmp_path_factory.mktemp("studio") / "log.db"


@pytest.fixture
def ask(log: Path) -> Ask:
    """Return what asks a swarm of four in the log; it waits until the swarm has decided."""

    def asked(question: str = QUESTION, **how: Any) -> Decision:
        def swarm() -> Decision:
            with Log(log) as kept:
                return Swarm(peers(**how), protocol=Debate(), log=kept).ask_sync(question, expects="number")

        with ThreadPoolExecutor(1) as apart:  # playwright's loop runs in this one
            return apart.submit(swarm).result()

    return asked


@contextmanager
def _studio(log: Path) -> Generator[str]:
    config = log.with_name("waggle.toml")
    config.write_text('[ask]\nmodel = "scripted:9"\n')
    command = [sys.executable, "-c", "from waggledance.cli import main; main()", "studio", "--port", "0"]
    command += ["--log", str(log), "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.stderr and process.stderr.read()
            yield address
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.fixture
def studio_of() -> Callable[[Path], AbstractContextManager[str]]:
    """Return what shows another log in a studio of its own."""
    return _studio


@pytest.fixture(scope="module")
def studio(log: Path) -> Generator[str]:
    """Return the address of a studio that shows the log."""
    with _studio(log) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Return one browser for the tests of a file: while it is open, no test can run a loop in this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield opened
        opened.close()


@pytest.fixture
def expect_errors() -> list[str]:
    """Return what the browser may say on its console in this test, besides that a studio has ended."""
    return []


@pytest.fixture
def page(browser: Browser, studio: str, expect_errors: list[str]) -> Generator[Page]:
    """Return a page that is still empty; in the end nothing was said against its policy, and nobody else was asked."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, base_url=studio, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = context.new_page()
    said: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    yield page
    context.close()
    assert {host.partition(":")[0] for host in hosts} <= {"127.0.0.1"}, "the page asked somebody else"
    expected = ["ERR_CONNECTION_REFUSED", *expect_errors]
    assert [line for line in said if not any(part in line for part in expected)] == []


@pytest.fixture
def run(page: Page, ask: Ask) -> Page:
    """Return a page that shows a decided run: the first of the log, asked now where there is none."""
    page.goto("/")
    page.get_by_role("main").get_by_text("Nothing was asked yet").or_(
        page.get_by_role("link", name="Open the newest")
    ).wait_for()
    if page.get_by_role("link", name="Open the newest").count() == 0:
        ask()
        page.reload()
    page.locator(".channels li:not(.fork) a").last.click()
    page.locator(".card-budget canvas").wait_for()
    return page


@pytest.fixture
def faults() -> Callable[[Page], list[str]]:
    """Return what finds a page's faults in accessibility, as axe sees them."""
    if not AXE.exists():
        pytest.skip("axe is not here: run `npm ci` in web/studio")
    script = AXE.read_text()

    def found(page: Page) -> list[str]:
        page.evaluate(script)
        report = json.loads(page.evaluate("axe.run(document).then(JSON.stringify)"))
        return [
            f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for fault in report["violations"]
            for node in fault["nodes"]
        ]

    return found
