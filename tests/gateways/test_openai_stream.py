"""A stream to a client that is slow, gone, or waits long, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from waggledance.gateways._openai_stream import SLOW_S, Streamed, event, while_there
from waggledance.testing import on_virtual_time


class Client:
    """An ASGI server's side: takes what is sent, and may hang or leave."""

    def __init__(self, *, takes: int = 1_000, leaves_after_s: float = 1e6) -> None:
        self.got: list[bytes] = []
        self.ended = False
        self._takes, self._leaves_after_s = takes, leaves_after_s

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(self._leaves_after_s)
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            return
        if len(self.got) >= self._takes:
            await asyncio.sleep(1e6)
        if message["body"]:
            self.got.append(message["body"])
        self.ended = not message.get("more_body", False)


def streamed_to(client: Client, *pauses_s: float) -> tuple[list[float], float]:
    """Return when the stream was told to stop, and when it ended."""
    stopped: list[float] = []

    async def main() -> float:
        clock = asyncio.get_running_loop().time
        began = clock()
        gone = asyncio.Event()

        def stop() -> None:
            stopped.append(clock() - began)
            gone.set()

        async def events() -> AsyncGenerator[bytes]:
            for number, pause_s in enumerate(pauses_s):
                try:
                    async with asyncio.timeout(pause_s):
                        await gone.wait()
                    return
                except TimeoutError:
                    yield event(number)

        await Streamed(events(), stop)({"type": "http"}, client.receive, client.send)
        return clock() - began

    return stopped, on_virtual_time(main())


def test_events_go_out_as_they_come_and_the_end_after_them() -> None:
    client = Client()
    stopped, took_s = streamed_to(client, 1, 2)
    assert client.got == [b"data: 0\n\n", b"data: 1\n\n"]
    assert client.ended
    assert took_s == 3
    assert stopped == [3]


def test_while_nothing_happens_comments_keep_the_connection_alive() -> None:
    client = Client()
    streamed_to(client, 50, 1)
    assert [told[:1] for told in client.got] == [b":", b":", b":", b"d", b"d"]
    assert client.ended


def test_when_the_client_leaves_what_is_at_work_is_stopped_at_once() -> None:
    stopped, took_s = streamed_to(Client(leaves_after_s=7), 1, 100)
    assert stopped[0] == took_s == 7


def test_a_client_that_takes_nothing_for_a_minute_is_taken_to_be_gone() -> None:
    client = Client(takes=1)
    stopped, took_s = streamed_to(client, 1, 1, 1)
    assert took_s == 2 + SLOW_S
    assert stopped == [took_s]
    assert not client.ended


def test_an_answer_that_is_awaited_is_stopped_when_the_client_leaves() -> None:
    async def main() -> list[float]:
        clock = asyncio.get_running_loop().time
        stopped: list[float] = []
        work = asyncio.create_task(asyncio.sleep(100))

        def stop() -> None:
            stopped.append(clock())
            work.cancel()

        async def answer() -> None:
            await asyncio.wait([work])

        await while_there(Client(leaves_after_s=7).receive, answer(), stop)
        return stopped

    assert on_virtual_time(main())[0] == 7
