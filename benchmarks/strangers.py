"""What a signed request and a set of mandates cost, beside the bare signatures in them: CPU time, median and lowest.

python benchmarks/strangers.py             # 2,000 headers
python benchmarks/strangers.py --small     # 200
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable

from waggledance.core import Channel, Key, MessageId, signature_holds, swarm_id
from waggledance.gateways import (
    Ap2Cart,
    Ap2Intent,
    Ap2Payment,
    Strangers,
    WbaDid,
    canonical_json,
    check_mandates,
    did_document,
    signed_cart,
    signed_header,
    signed_payment,
)

NOW_MS, SOON = 1_790_000_000_000, "2026-09-21T15:00:00Z"
KEY, DID = Key(b"k" * 32), WbaDid("bees.example")


class Clock:
    def now(self) -> float:
        return NOW_MS / 1000

    def wall_ms(self) -> int:
        return NOW_MS


async def document(did: WbaDid) -> bytes:
    return did_document(KEY.peer, did)


def mandates() -> Channel:
    channel = Channel(swarm_id("shop"), "c")
    wish = {"natural_language_description": "shoes", "intent_expiry": SOON}
    intent = Ap2Intent(principal=KEY.peer, mandate=canonical_json(json.dumps(wish).encode()))
    said = channel.publish(KEY.peer, intent, [], NOW_MS)
    total = {"label": "Total", "amount": {"currency": "EUR", "value": 99.9}}
    details = {"id": "d", "display_items": [total], "total": total}
    request = {"method_data": [{"supported_methods": "CARD"}], "details": details}
    contents = {
        "id": "c", "user_cart_confirmation_required": True, "payment_request": request, "cart_expiry": SOON,
        "merchant_name": "Shop",
    }  # fmt: skip
    cart = signed_cart(json.dumps(contents).encode(), KEY, audience="a", jti="j", now_ms=NOW_MS)
    offered = channel.publish(KEY.peer, Ap2Cart(principal=KEY.peer, intent=said.id, mandate=cart), [said], NOW_MS)
    yes = {
        "payment_mandate_id": "p", "payment_details_id": "d", "payment_details_total": total, "timestamp": SOON,
        "payment_response": {"request_id": "d", "method_name": "CARD"}, "merchant_agent": "Shop",
    }  # fmt: skip
    paid = signed_payment(json.dumps(yes).encode(), cart, KEY, audience="Shop", nonce="n", now_ms=NOW_MS)
    channel.publish(KEY.peer, Ap2Payment(principal=KEY.peer, cart=offered.id, mandate=paid), [offered], NOW_MS)
    return channel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    many = 200 if parser.parse_args().small else 2_000
    strangers = Strangers([str(DID)], ["swarm.example"], document, clock=Clock())
    headers = iter([signed_header(KEY, DID, "swarm.example", nonce=f"n{i}", now_ms=NOW_MS) for i in range(many)])
    loop = asyncio.new_event_loop()
    id = MessageId(b"m" * 32)
    signature, channel = KEY.sign(id), mandates()

    def bare() -> None:
        assert signature_holds(KEY.peer, id, signature)

    def header() -> None:
        assert loop.run_until_complete(strangers.holder(next(headers))) == str(DID)

    def three() -> None:
        assert all(check.holds for check in check_mandates(channel.messages(), at_ms=NOW_MS).values())

    works: dict[str, Callable[[], None]] = {"one signature": bare, "a header": header, "three mandates": three}
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(many):
        for name, work in works.items():
            begun = time.process_time()
            work()
            took[name].append((time.process_time() - begun) * 1e6)
    loop.close()
    unit = statistics.median(took["one signature"])
    print(f"{'':16}{'median µs':>10}{'lowest µs':>10}{'signatures':>12}")
    for name, those in took.items():
        median = statistics.median(those)
        print(f"{name:16}{median:10.0f}{min(those):10.0f}{median / unit:12.1f}")


if __name__ == "__main__":
    main()
