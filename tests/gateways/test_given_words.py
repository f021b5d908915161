"""What is given out of a peer's words; whatever streams is the beginning of the whole."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from waggledance.core import Decision
from waggledance.gateways._given_words import Flow, said_by, stopped, words_of
from waggledance.peers import CUT_SHORT

PIECES = st.sampled_from(
    [
        "Ice",
        " floats",
        ".",
        "\n",
        "\n\n",
        "Confidence",
        ": 90%",
        "confidence intervals",
        "My con",
        " ",
        "STOP",
        "ST",
        "OP",
        "- ",
    ]
)


@given(pieces=st.lists(PIECES, max_size=12), stops=st.sampled_from([(), ("STOP",), (".", "STOP")]))
@example(pieces=["Ice", "\n", "Confidence", ": 90%"], stops=())
@example(pieces=["Ice", "\n", "My con", "fidence", ": 90%", "\n"], stops=())
@settings(max_examples=300)
def test_what_flows_is_the_beginning_of_what_is_given_out_whole(pieces: list[str], stops: tuple[str, ...]) -> None:
    flow = Flow(stops)
    given_out = "".join(flow.hear(piece) for piece in pieces)
    whole = stopped(words_of("".join(pieces))[0], stops)
    assert whole.startswith(given_out)
    assert given_out == flow.given


def test_words_flow_at_once_where_they_can_be_nothing_else() -> None:
    flow = Flow(("END",))
    assert [flow.hear(piece) for piece in ("Ice", " is E", "NE", "ND")] == ["Ice", " is", " EN", ""]


def test_statements_of_confidence_are_left_out_and_sentences_about_confidence_are_not() -> None:
    assert words_of("It floats.\n**Confidence:** 90%\n") == ("It floats.", False)
    assert words_of("It floats.\nConfidence: high, as intervals go.") == (
        "It floats.\nConfidence: high, as intervals go.",
        False,
    )
    assert words_of("Confidence intervals are 95% wide.")[0] == "Confidence intervals are 95% wide."
    assert words_of(f"It fl\n{CUT_SHORT}") == ("It fl", True)


def test_a_decision_without_words_is_given_out_as_its_answer() -> None:
    assert said_by(Decision(status="decided", key="9"), ()) == ("9", False)
    tie = Decision(status="undecided", key=None, support={"a": 1, "b": 1})
    assert said_by(tie, ())[0] == "The peers came to no decision. They said: a (50%); b (50%)"
