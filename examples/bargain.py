"""Three groups bargain over a budgeted park: what people want is not put to a vote, and the worst-off is protected."""

from waggledance import Question, Swarm
from waggledance.consensus import scaled
from waggledance.core import package_of
from waggledance.peers import Stakeholder
from waggledance.protocols import Bargaining

OPTIONS = ("a pond", "a lawn", "swings", "benches", "lamps", "a fence")
PARK = Question(text="What shall the park get?", expects="package", options=OPTIONS, costs=(4, 2, 3, 1, 2, 2), spend=10)
VALUES = {
    "anglers": {"a pond": 9, "a lawn": 1, "benches": 3, "lamps": -1},
    "parents": {"a pond": -2, "a lawn": 3, "swings": 8, "benches": 2, "a fence": 4},
    "joggers": {"a lawn": 4, "benches": 1, "lamps": 7, "a fence": -2},
}

groups = [Stakeholder(name, values) for name, values in VALUES.items()]
decision = Swarm(groups, protocol=Bargaining()).ask_sync(PARK)
print(decision)

taken = package_of(decision.key or "", len(OPTIONS))
assert taken is not None
print("that is:", ", ".join(OPTIONS[i] for i in sorted(taken)))
assert sum(PARK.prices[i] for i in taken) <= PARK.limit

# Nobody saw anybody's values; each graded packages only. The decision names who has less than without the bargain.
public = {name: [1000 * values.get(option, 0) for option in OPTIONS] for name, values in VALUES.items()}
had = {name: scaled(PARK.prices, PARK.limit, values, taken) / 1_000_000 for name, values in public.items()}
print("on each group's own scale:", {name: round(share, 2) for name, share in had.items()})
assert min(had.values()) > 0.4
