"""What tests and research need: synthetic worlds whose truth is known."""

from waggledance.testing._check_protocol import LawBroken as LawBroken
from waggledance.testing._check_protocol import check_protocol as check_protocol
from waggledance.testing._judged import judged as judged
from waggledance.testing._judged import proposed as proposed
from waggledance.testing._opinionated import Opinionated as Opinionated
from waggledance.testing._simulate import Run as Run
from waggledance.testing._simulate import simulate as simulate
from waggledance.testing._world_w1 import W1 as W1
from waggledance.testing._world_w1 import Answers as Answers
from waggledance.testing._world_w1 import Case as Case
from waggledance.testing._world_w2 import W2 as W2
from waggledance.testing._world_w3 import W3 as W3
from waggledance.testing._world_w3 import Drift as Drift

__all__ = [
    "W1",
    "W2",
    "W3",
    "Answers",
    "Case",
    "Drift",
    "LawBroken",
    "Opinionated",
    "Run",
    "check_protocol",
    "judged",
    "proposed",
    "simulate",
]
