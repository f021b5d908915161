"""Peers judge each other's answers: one witness of the better answer can be enough, where a vote would lose."""

from waggledance import FunctionPeer, Swarm
from waggledance.consensus import condorcet
from waggledance.protocols import PeerRanking, Vote

QUESTION = "Which of 91 and 97 is prime?"


def checks(question: str, a: str, b: str) -> float:
    """Say how much better the first of two answers is, 0 to 1: checking is easier than finding."""
    a_is_prime, b_is_prime = (all(int(answer) % d for d in range(2, 10)) for answer in (a, b))
    return 0.5 + (a_is_prime - b_is_prime) / 2


def saying(name: str, answer: str) -> FunctionPeer:
    return FunctionPeer(name, lambda question: answer, compare=checks)


peers = [saying("ada", "91"), saying("ben", "91"), saying("cleo", "97"), saying("dov", "91")]

vote = Swarm(peers, protocol=Vote()).ask_sync(QUESTION, expects="number")
judged = Swarm(peers, protocol=PeerRanking(decide=condorcet)).ask_sync(QUESTION, expects="number")
print("by vote:", vote.key, "- by judgement:", judged.key)
print(judged)

assert (vote.key, judged.key) == ("91", "97")
