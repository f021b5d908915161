"""Plans and teams among the protocols: known by their names, to the command line and to peers elsewhere."""

from __future__ import annotations

from waggledance.protocols import register
from waggledance.tasks._planned import Planned
from waggledance.tasks._team import Team


def register_protocols() -> None:
    """Make ``plan`` and ``team`` known by their names in this process; once more changes nothing."""
    register(Planned)
    register(Team)
