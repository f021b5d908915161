"""How fast the studio's page is with a long channel: its first paint, and frames a second while someone scrubs.

    python benchmarks/studio_page.py [--messages 10000] [--seconds 4] [--json]

A swarm of 40 on a ring debates until its channel has so many messages; a real `waggle studio` shows the log, and
Chromium (headless, without a graphics card) opens it five times. "Painted" is the browser's first contentful paint;
"drawn" is the second frame after all cards stand there with the first 300 messages, "whole" with all of them. Then the scrubber is
moved once a frame, through the whole channel, with the timeline at its usual zoom and zoomed out to all messages; the
frames of the same page at rest are the reference. Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from waggledance import Swarm
from waggledance.core import Log
from waggledance.peers import FunctionPeer
from waggledance.protocols import Debate
from waggledance.topology import Ring

PEERS = 40
SEED = 7
OPENINGS = 5
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
DRAWN = """
messages => new Promise(done => {
  const look = () => document.querySelector('.card-budget canvas') && document.querySelector('.strip input').max >= messages - 1
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))
    : requestAnimationFrame(look);
  look();
})
"""
FRAMES = """
([seconds, moves]) => new Promise(done => {
  const range = document.querySelector('.strip input');
  const times = [];
  let at = 0;
  const frame = time => {
    times.push(time);
    if (time - times[0] > seconds * 1000) { done(times); return; }
    if (moves) {
      at = (at + Math.ceil(range.max / (seconds * 60))) % range.max;
      range.value = at;
      range.dispatchEvent(new Event('input', { bubbles: true }));
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})
"""


def long_log(path: Path, messages: int) -> None:
    """Write a log with one channel of at least so many messages."""
    draw = Random(SEED)
    peers = [FunctionPeer(f"p{i}", lambda _: draw.choice("999987")) for i in range(PEERS)]
    with Log(path) as log:
        protocol = Debate(rounds=-(-messages // PEERS), topology=Ring())
        Swarm(peers, protocol=protocol, log=log).ask_sync("How many sheep are left?", expects="number")


@contextmanager
def served(log: Path) -> Generator[str]:
    """Serve a log with a real `waggle studio`; yield its address."""
    command = [
        sys.executable,
        "-c",
        "from waggledance.cli import main; main()",
        "studio",
        "--log",
        str(log),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def opened(browser: Any, address: str, messages: int) -> tuple[Any, dict[str, float]]:
    """Open the channel in a new window; return the page and its times in milliseconds."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.goto(address)
    page.wait_for_selector("nav a[href^='#/c/']")
    channel = page.get_attribute("nav a[href^='#/c/']", "href")
    page.goto("about:blank")
    page.goto(f"{address}{channel}")
    drawn = page.evaluate(DRAWN, 1)
    whole = page.evaluate(DRAWN, messages)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return page, {"painted": painted, "drawn": drawn, "whole": whole}


def frames(page: Any, seconds: float, *, moves: bool) -> dict[str, float]:
    """Return frames a second, the 95th percentile of the milliseconds between two, and the page's own work for one.

    Frames are those that the page begins; ``presented`` are those that came through the compositor to the screen. The
    work is processor time of the thread that runs and paints the page, so that others on the machine do not count.
    """
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        return float(
            next(m["value"] for m in tools.send("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration")
        )

    page.context.browser.start_tracing(page=page, categories=["viz"])
    before = worked()
    times = page.evaluate(FRAMES, [seconds, moves])
    drawn = json.loads(page.context.browser.stop_tracing())["traceEvents"]
    presented = sum(event["name"] == "Display::DrawAndSwap" and event["ph"] == "X" for event in drawn)
    work_ms = 1000 * (worked() - before) / (len(times) - 1)
    gaps = sorted(b - a for a, b in pairwise(times))
    return {
        "fps": 1000 * len(gaps) / (times[-1] - times[0]),
        "p95_ms": gaps[int(0.95 * len(gaps))],
        "presented": 1000 * presented / (times[-1] - times[0]),
        "work_ms": work_ms,
    }


def measured(messages: int, seconds: float) -> dict[str, Any]:
    """Return all figures."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "long.db"
        long_log(log, messages)
        with served(log) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=QUIET.split())
            seen: list[dict[str, float]] = []
            page, times = opened(browser, address, messages)
            seen.append(times)
            for _ in range(OPENINGS - 1):
                page.context.close()
                page, times = opened(browser, address, messages)
                seen.append(times)
            figures: dict[str, Any] = {name: median(times[name] for times in seen) for name in seen[0]}
            figures["messages"] = int(page.get_attribute(".strip input", "max")) + 1
            figures["at rest"] = frames(page, seconds, moves=False)
            figures["scrubbing"] = frames(page, seconds, moves=True)
            page.get_by_role("button", name="all", exact=True).click()
            figures["scrubbing, all in view"] = frames(page, seconds, moves=True)
            page.keyboard.press("Home")
            page.keyboard.press("o")
            page.wait_for_selector(".opened blockquote, .opened .actions")
            figures["scrubbing, a message open"] = frames(page, seconds, moves=True)
            browser.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = measured(asked.messages, asked.seconds)
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{figures['messages']:,} messages; medians of {OPENINGS} openings")
    print(f"  first paint {figures['painted']:6.0f} ms")
    print(f"  drawn       {figures['drawn']:6.0f} ms, the first 300 messages with all cards")
    print(f"  whole       {figures['whole']:6.0f} ms")
    for name, of in figures.items():
        if isinstance(of, dict):
            print(
                f"  {name:28} {of['fps']:5.1f} frames/s, {of['presented']:5.1f} presented, "
                f"95 % within {of['p95_ms']:.1f} ms, {of['work_ms']:.1f} ms of work for one"
            )


if __name__ == "__main__":
    main()
