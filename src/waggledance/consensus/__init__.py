"""Rules that turn a set of messages into one decision."""

from waggledance.consensus._majority import majority as majority
from waggledance.consensus._rule import Judgements as Judgements
from waggledance.consensus._rule import NamedRule as NamedRule
from waggledance.consensus._rule import Proposals as Proposals
from waggledance.consensus._rule import Rule as Rule
from waggledance.consensus._rule import Weights as Weights
from waggledance.consensus._rule import name_of as name_of
from waggledance.consensus._rule import needs_of as needs_of
from waggledance.consensus._rule import rule as rule
from waggledance.consensus._rule import settle as settle
from waggledance.consensus._rule import subjects as subjects

__all__ = [
    "Judgements",
    "NamedRule",
    "Proposals",
    "Rule",
    "Weights",
    "majority",
    "name_of",
    "needs_of",
    "rule",
    "settle",
    "subjects",
]
