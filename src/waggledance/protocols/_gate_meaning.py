"""Whether what was said is the kind of thing one speaks to: by its likeness to examples, and by turns of phrase.

    lean(reason) = likeness to the examples of that reason + 1/4 for a phrase that goes with it,
                   half of it for a statement without such a phrase: nothing is asked
    against      = likeness to the examples of small talk  + 1/4 for a question that only people here can answer
                   + 1/16 for each intervention of one's own among the last turns
    speak for the reason that leans furthest, if it leans further than what is against it by 1/16 or more

Likeness is a cosine, in whole steps of 1/1024, of static word vectors (or hashed n-grams without the extra
``discovery``). A question that somebody has answered meanwhile is none any more. Wrong claims of fact that nobody
doubts cannot be told like this: that takes a model, see `ByModel`.

Source: the second gate of the project's card on Shen et al. 2026, "GroupGPT", arXiv:2603.01059; examples, phrases and
weights are ours, set on twenty-four moments that are not among the sixty it is measured by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waggledance.core import UNIT
from waggledance.protocols._gate import Heard, Reason, Silent, Speak
from waggledance.protocols._gate_examples import EXAMPLES, PEOPLE_ONLY, PHRASES, SMALL_TALK

if TYPE_CHECKING:
    from waggledance.topology import Embed

STEPS = 1_024
PHRASE = STEPS // 4
REPEATED = STEPS // 16
MARGIN = STEPS // 16


@dataclass(frozen=True)
class ByMeaning:
    """The second gate of a row.

    Args:
        about: what the speaker knows and can do, as sentences: likeness to them speaks for speaking.
        embed: how texts become vectors; by meaning where word vectors are installed, by wording elsewhere.
    """

    about: tuple[str, ...] = ()
    embed: Embed | None = field(default=None, compare=False)

    async def decide(self, window: Sequence[Heard]) -> Speak | Silent | None:
        """Speak or be silent, by the last speaker's words; None without any words, or where both sides are near."""
        text = last_words(window)
        if not text.strip():
            return None
        leans = self.leans(text)
        against = leans.pop("")
        against += REPEATED * sum(turn.mine for turn in window)
        reason = max(leans, key=lambda reason: (leans[reason], reason))
        ahead = leans[reason] - against
        if ahead >= MARGIN:
            return Speak(_REASON_OF[reason], min(UNIT - 1, UNIT // 2 + ahead * UNIT // (2 * STEPS)))
        return Silent("it is between people") if ahead <= -MARGIN else None

    def leans(self, text: str) -> dict[str, int]:
        """Return how far a text leans to each reason, and to small talk (``""``): in steps of 1/1024, 0 to 1,280."""
        from waggledance.topology import by_meaning, similarities_to

        groups: dict[str, tuple[str, ...]] = dict(EXAMPLES.items())
        groups |= {"knowledge": (*EXAMPLES["knowledge"], *self.about), "": SMALL_TALK}
        listed = [example for examples in groups.values() for example in examples]
        near = iter(similarities_to(text, listed, self.embed or by_meaning()))
        leans = {reason: max(next(near) for _ in examples) for reason, examples in groups.items()}
        for reason, phrase in PHRASES.items():
            said = bool(phrase.search(text))
            leans[reason] = leans[reason] + PHRASE if said else leans[reason] // (1 if "?" in text else 2)
        leans[""] += PHRASE * bool(PEOPLE_ONLY.search(text))
        return leans


_REASON_OF: Mapping[str, Reason] = {reason: reason for reason in EXAMPLES}


def last_words(window: Sequence[Heard], turns: int = 3) -> str:
    """Return what the last speaker said without being interrupted, the last turns of it."""
    said: list[str] = []
    for turn in reversed(window):
        if turn.mine or turn.name != window[-1].name or len(said) == turns:
            break
        said.append(turn.text)
    return "\n".join(reversed(said))
