"""What a replay can be given: rules and models by their names."""

from __future__ import annotations

from waggledance.consensus import RULES
from waggledance.models import available
from waggledance.studio._shapes import Options


def options() -> Options:
    """Return the names of all rules, and of the models that would work here."""
    return Options(rules=tuple(RULES), models=tuple(row.spec for row in available() if row.usable))
