"""Three agents talk in a thread: one is asked by name, two of three agree to close it, and the record stays."""

import asyncio

from waggledance.gateways import Desk, LocalThreads, threads_text


async def main() -> None:
    threads = LocalThreads(["ann", "bob", "cee"])
    ann, bob, cee = (Desk(threads.at(name)) for name in ("ann", "bob", "cee"))

    thread = ann.open("which oak?", ["bob", "cee"]).channel
    waiting = asyncio.create_task(cee.wait(mention=True))  # a wait that begins before the message
    await ann.say(thread, "cee, have you seen the northern one?", mentions=["cee"])
    early, late = await waiting, await bob.wait(channel=thread)  # and one that begins after it
    assert early is not None
    assert late is not None
    assert early.message == late.message

    await cee.say(thread, "Dry, five metres up, entrance to the south.")
    await bob.close(thread, "The northern oak.")
    closed = await cee.close(thread)  # no summary of its own: it agrees
    assert closed.closed is not None
    print(threads_text(ann.threads(), "ann")[0])
    assert [ann.thread(thread).name(m.author) for m in closed.said] == ["ann", "cee"]


asyncio.run(main())
