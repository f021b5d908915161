"""What errors say."""

from waggledance.core import UnknownName


def test_where_nothing_is_known_no_empty_list_is_shown() -> None:
    assert str(UnknownName("swarm", "bees", ())) == "there is no swarm 'bees'; none is known."


def test_two_quoted_names_do_not_stand_side_by_side() -> None:
    said = str(UnknownName("parameter of protocol 'vote'", "sample", ["samples", "stop"]))
    assert said == (
        "there is no parameter of protocol 'vote' called 'sample'; did you mean 'samples'? Known: samples, stop."
    )


def test_a_thousand_known_names_are_not_all_listed() -> None:
    said = str(UnknownName("concept", "x", [f"c{i:03}" for i in range(1000)]))
    assert said.endswith("c039 and 960 more.")
    assert len(said) < 400
