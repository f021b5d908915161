"""Topologies by name: what can be read, and how the rest is refused."""

import pytest

from waggledance.core import UnknownName, UsageError, local_peer_id
from waggledance.topology import TOPOLOGIES, KRegular, SmallWorld, Star, by_name
from waggledance.topology._registry import Parameter


def test_every_topology_can_be_had_by_its_bare_name() -> None:
    assert set(TOPOLOGIES) == {"complete", "ring", "star", "k-regular", "small-world", "groups", "selforg", "feedback"}
    assert [by_name(name).name for name in TOPOLOGIES] == list(TOPOLOGIES)


def test_parameters_stand_beside_the_name_or_in_it() -> None:
    assert by_name("small-world", k=6, rewire=1) == by_name(" small-world( k=6 , rewire=1 ) ") == SmallWorld(6, 1)
    assert by_name("k-regular(k=8)", k=6) == KRegular(6)


def test_a_star_with_a_given_centre_is_read_back() -> None:
    star = Star(local_peer_id("ada"))
    assert by_name(star.name) == star
    assert by_name("star(centre=rotating)") == Star("rotating")


def test_an_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'small-world'"):
        by_name("smallworld")


def test_an_unknown_parameter_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'neighbours'"):
        by_name("ring(neighbors=2)")
    with pytest.raises(UsageError, match="takes no parameters"):
        by_name("complete(k=2)")


@pytest.mark.parametrize("text", ["k-regular(k)", "k-regular(k=)", "k-regular(", "", "ring)2("])
def test_a_text_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        by_name(text)


@pytest.mark.parametrize("value", [2.5, "many", True])
def test_a_parameter_of_another_type_is_refused(value: Parameter) -> None:
    with pytest.raises(UsageError, match="k of topology 'k-regular' must be a whole number"):
        by_name("k-regular", k=value)
