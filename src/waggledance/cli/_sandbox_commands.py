"""`waggle sandbox check`."""

from __future__ import annotations

from waggledance.cli._printing import print_json, print_table
from waggledance.tasks import Sandbox


def check_sandbox(*, as_json: bool) -> None:
    """Print what a sandbox enforces here, and what it cannot."""
    enforces = Sandbox().enforces()
    if as_json:
        print_json({"sandbox": enforces})
    else:
        print_table(("limit", "how"), sorted(enforces.items()))
