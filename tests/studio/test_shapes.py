"""The server sends what the page reads: the names of both sides are the same."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from waggledance.studio import _shapes

API = Path(__file__).parents[2] / "web" / "studio" / "src" / "api.ts"
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "Channels": _shapes.Channels,
    "ChannelLine": _shapes.ChannelLine,
    "ChannelPage": _shapes.ChannelShown,
    "Hearing": _shapes.Hearing,
    "Opening": _shapes.OpeningShown,
    "Member": _shapes.MemberShown,
    "Cost": _shapes.CostShown,
    "Verdict": _shapes.VerdictShown,
    "Msg": _shapes.Msg,
    "Author": _shapes.Author,
    "WholeMessage": _shapes.WholeMessage,
    "Exchange": _shapes.ExchangeShown,
    "Limits": _shapes.LimitsShown,
    "Support": _shapes.Support,
    "Dissent": _shapes.DissentShown,
    "Decision": _shapes.DecisionShown,
    "Plan": _shapes.PlanShown,
    "PlanTask": _shapes.PlanTask,
    "Words": _shapes.WordsShown,
    "Hits": _shapes.Hits,
    "Hit": _shapes.Hit,
    "MeshMember": _shapes.MeshMember,
    "MeshSwarm": _shapes.MeshSwarm,
    "Mesh": _shapes.MeshShown,
    "Options": _shapes.Options,
    "Replaying": _shapes.Begun,
    "ToRead": _shapes.ToRead,
    "Reading": _shapes.Reading,
    "Pins": _shapes.Pins,
    "Pin": _shapes.Pin,
    "Refused": _shapes.Refused,
    "Trouble": _shapes.Trouble,
}


def interfaces() -> dict[str, set[str]]:
    """Return the fields of every interface of the page's, those of what it extends among them."""
    found: dict[str, set[str]] = {}
    pattern = r"export interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\}"
    for name, parent, body in re.findall(pattern, API.read_text(), flags=re.DOTALL):
        found[name] = set(re.findall(r"^  readonly (\w+)\??:", body, flags=re.MULTILINE)) | found.get(parent, set())
    (cost,) = re.findall(r"export type Cost = readonly \[(.*)\];", API.read_text())
    return found | {"Cost": set(re.findall(r"(\w+): number", cost))}


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_has_the_fields_that_the_page_reads(name: str) -> None:
    sent = {field.encode_name for field in msgspec.structs.fields(STRUCTS[name])}
    assert sent == interfaces()[name]


def test_no_interface_of_the_page_is_sent_by_nobody() -> None:
    asked = {"LiveEvents", "ReplayOrder"}
    budget = "readonly budget: { readonly limits: Limits | null };"
    assert budget in API.read_text()
    assert set(interfaces()) - asked == set(STRUCTS)
