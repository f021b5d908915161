"""A debate under loss, with a silent peer and a liar, in virtual time: an hour of patience takes no time at all."""

from waggledance.network import Fault, Lie, Silent
from waggledance.protocols import Debate
from waggledance.testing import simulate

faults: list[Fault] = [Silent("p3"), Lie("p5", key="5")]
run = simulate(Debate(rounds=2, patience_s=3600), "2 + 2?", peers=7, seed=7, loss=0.2, faults=faults)
again = simulate(Debate(rounds=2, patience_s=3600), "2 + 2?", peers=7, seed=7, loss=0.2, faults=faults)

print(run.decision)
print(f"{run.virtual_s / 3600:.2f} virtual hours; same seed, same bytes: {run.transcript == again.transcript}")

assert run.decision.key == "4"
assert run.transcript == again.transcript
