"""Every kind of message that this version knows, so that what is left is truly unknown.

Bodies make themselves known when their module is loaded, and most rooms load theirs when they are used.
"""

from __future__ import annotations

from importlib import import_module

_MODULES = (
    "consensus",
    "protocols",
    "mesh",
    "gateways._ap2_mandates",
    "gateways._threads_fold",
    "gateways._ucp_catalog",
    "gateways._ucp_checkout",
    "memory._agent_status",
    "memory._answer",
    "memory._bank",
    "memory._record",
    "memory._slots",
    "memory._triples",
    "safety._builtin_sources",
    "safety._violation",
    "tasks._behaviour_runs",
    "tasks._edit",
    "tasks._here",
    "tasks._negotiation",
    "tasks._outcome",
    "tasks._repair_messages",
    "tasks._search_tree",
    "tasks._tool_shelf",
)


def know_all_kinds() -> None:
    """Load every body of this library, and its protocols."""
    for module in _MODULES:
        import_module(f"waggledance.{module}")
    from waggledance.tasks import register_protocols

    register_protocols()
