"""`waggle replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from waggledance._replay import decide_again
from waggledance.cli._decision_view import lines
from waggledance.cli._log_place import place_of, read_channel
from waggledance.cli._printing import print_json, print_lines
from waggledance.cli._story import Story
from waggledance.core import Decision, Log, Outcome, outcome_of
from waggledance.protocols import rule_by_name


def replay(channel: str, rule: str | None, log: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Decide a channel again and print the decision; by another rule, say what would have been decided."""
    other = None if rule is None else rule_by_name(rule)
    with Log(place_of(log, config), "r") as opened:
        messages = read_channel(opened, channel)
    story = Story()
    for message in messages:
        story.hear(message)
    written = outcome_of(messages)
    outcome = None if written is None else written.body
    decision = decide_again(messages, other)
    same = outcome is not None and decision.id == outcome.decision
    if as_json:
        again: dict[str, Any] = msgspec.json.decode(decision.to_json())
        was = None if outcome is None else {"answer": outcome.key, "rule": outcome.rule, "id": outcome.decision.hex()}
        question = story.question.text if story.question is not None else None
        print_json({**again, "question": question, "recorded": was, "same_decision": same})
        return
    print_lines([*lines(decision, story, kept=False), [], [(_verdict(decision, outcome, same=same), "bold")]])


def _verdict(decision: Decision, outcome: Outcome | None, *, same: bool) -> str:
    if outcome is None:
        return "nothing was decided then: the run did not come to its end"
    if same:
        return f"the same decision as then, {decision.id.hex()[:12]}…"
    then, now = (f"{d.key}" if d.key is not None else "no answer" for d in (outcome, decision))
    if then == now:
        return f"by {decision.rule} the answer would have been the same; it was decided by {outcome.rule}"
    return f"by {decision.rule} {now} would have been decided; by {outcome.rule} it was {then}"
