"""What is checked of a stranger's schema refuses nothing that the whole one accepts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.gateways._mcp_schema import UNCHECKED, checkable
from waggledance.tasks._check_schema import validator_of

NAMES = st.sampled_from(["a", "b", "pattern"])
VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["", "a", "bb"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def _combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "additionalProperties": inner | st.booleans(),
            "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
            "items": inner,
            "contains": inner,
            "not": inner,
            "anyOf": lists,
            "oneOf": lists,
            "allOf": lists,
            "if": inner,
            "then": inner,
            "else": inner,
            "pattern": st.just("^a"),
            "required": st.lists(NAMES, max_size=1),
            "unevaluatedProperties": st.booleans(),
        },
    )


SCHEMAS = st.recursive(
    st.sampled_from([{"type": "string"}, {"pattern": "b"}, {"enum": [1, "a"]}, {}]), _combined, max_leaves=6
)


@given(SCHEMAS, VALUES)
def test_whatever_the_whole_schema_accepts_is_accepted(schema: dict[str, Any], value: object) -> None:
    if not list(validator_of(schema).iter_errors(value)):
        assert not list(validator_of(checkable(schema)).iter_errors(value))


@pytest.mark.parametrize(
    ("schema", "kept"),
    [
        ({"type": "object", "properties": {"pattern": {"pattern": "x"}}, "additionalProperties": False},
         {"type": "object", "properties": {"pattern": {}}, "additionalProperties": False}),
        ({"not": {"pattern": "x"}, "type": "string"}, {"type": "string"}),
        ({"patternProperties": {"x": {}}, "additionalProperties": False}, {}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, {}),
        ({"$defs": {}, "additionalProperties": False}, {"additionalProperties": False}),
        ({"items": {"items": {"format": "x"}, "minItems": 2}}, {"items": {"items": {}, "minItems": 2}}),
    ],
)  # fmt: skip
def test_patterns_and_references_go_and_the_rest_stays(schema: dict[str, Any], kept: dict[str, Any]) -> None:
    assert checkable(schema) == kept


def test_a_schema_that_is_nested_without_end_is_cut_off() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(500):
        schema = {"properties": {"a": schema}}
    assert str(checkable(schema)).count("properties") < 40
    assert "pattern" in UNCHECKED
