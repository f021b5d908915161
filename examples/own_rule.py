"""A rule of your own is one pure function from messages to a decision."""

from waggledance import Decision, FunctionPeer, Swarm
from waggledance.consensus import Judgements, Proposals, Weights, settle
from waggledance.protocols import Debate


def unanimity(proposals: Proposals, judgements: Judgements, weights: Weights) -> Decision:
    """Decide only what everybody says."""
    keys = [m.body.key for m in proposals]
    agreed = len(set(keys)) == 1 and keys[0] is not None
    scores = {str(keys[0]): len(keys) * 1_000_000} if agreed else {}
    return settle(scores, proposals, judgements, weights, rule="unanimity")


def saying(name: str, answer: str) -> FunctionPeer:
    return FunctionPeer(name, lambda question: answer)


def ask(*answers: str) -> Decision:
    peers = [saying(f"peer {i}", answer) for i, answer in enumerate(answers)]
    return Swarm(peers, protocol=Debate(rounds=0, decide=unanimity)).ask_sync("Launch?", expects="yes/no")


print(ask("yes", "yes", "yes"))
print(ask("yes", "yes", "no"))
assert ask("yes", "yes", "yes").key == "yes"
assert ask("yes", "yes", "no").status == "undecided"
