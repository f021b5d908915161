"""Which questions are of one pattern, and which have none."""

from __future__ import annotations

import pytest

from waggledance.core import Question, Tool, Turn, UsageError
from waggledance.memory import SkillBook, has_pattern, pattern_of


def test_a_pattern_has_its_kind_and_no_numbers_and_only_what_stands_alone_has_one() -> None:
    one, other = (pattern_of(Question(text=t, expects="number")) for t in ("What is 3,5 + 12?", "what IS  1 + 2.25?"))
    assert one.id == other.id
    assert one.id != pattern_of(Question(text="What is 3 + 12?", expects="short")).id
    long = pattern_of(Question(text="word " * 300, expects="short"))
    assert long.words.replace("\n", "") != long.key
    turn = Turn(role="user", text="hi")
    tool = Tool(name="t", description="", parameters="{}")
    assert has_pattern(Question(text="2+2?", expects="number"))
    for other_question in (
        Question(text="42", expects="number"),
        Question(text="2+2?", expects="number", before=(turn,)),
        Question(text="2+2?", expects="number", offers=(tool,)),
        Question(text="Write a poem", expects="free"),
        Question(text="Write a sort", expects="code"),
    ):
        assert not has_pattern(other_question)
        with pytest.raises(UsageError, match="stands alone"):
            pattern_of(other_question)
        assert SkillBook().match(other_question) is None
