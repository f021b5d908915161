"""Peers choose among three merchants' carts; the mandate for it is signed, carried and checked. Nobody pays."""

import json

from waggledance import FunctionPeer, Question, Swarm
from waggledance.core import Channel, Key, swarm_id
from waggledance.gateways import Ap2Cart, Ap2Intent, canonical_json, cart_of, check_mandates, signed_cart

NOW_MS, SOON = 1_790_000_000_000, "2026-09-21T15:00:00Z"
PRICES = {"North": 12_900, "East": 9_900, "South": 11_500}  # in cents


def checkout(shop: str) -> bytes:
    totals = [{"type": type, "amount": PRICES[shop]} for type in ("subtotal", "total")]
    item = {"id": "shoe", "title": "Shoes", "price": PRICES[shop]}
    line = {"id": "1", "item": item, "quantity": 1, "totals": totals}
    said = {"id": shop, "currency": "EUR", "line_items": [line], "totals": totals, "expires_at": SOON, "links": []}
    return json.dumps(said | {"ucp": {"version": "2026-04-08"}, "status": "ready_for_complete"}).encode()


peers = [FunctionPeer(name, lambda question: min(PRICES, key=lambda shop: PRICES[shop])) for name in ("ada", "ben")]
decision = Swarm(peers).ask_sync(Question(text="Which cart?", expects="choice", options=tuple(PRICES)))
chosen = list(PRICES)["ABC".index(decision.key or "?")]

buyer, shop, channel = Key(b"b" * 32), Key(b"s" * 32), Channel(swarm_id("shopping"), "shoes")
wish = {"natural_language_description": "shoes", "intent_expiry": SOON, "merchants": ["East"]}
wanted = Ap2Intent(principal=buyer.peer, mandate=canonical_json(json.dumps(wish).encode()))
intent = channel.publish(buyer.peer, wanted, [], NOW_MS)
cart = cart_of(checkout(chosen), merchant_name=chosen, methods=["CARD"])
offer = signed_cart(cart, shop, audience="bank", jti="1", now_ms=NOW_MS)
channel.publish(shop.peer, Ap2Cart(principal=shop.peer, intent=intent.id, mandate=offer), [intent], NOW_MS)

for check in check_mandates(channel.messages(), at_ms=NOW_MS, merchants={"East": shop.peer}).values():
    print(check.message.kind, "holds" if check.holds else check.why)
    assert check.holds
assert not any(check.holds for check in check_mandates(channel.messages(), at_ms=NOW_MS + 3_600_000).values())
