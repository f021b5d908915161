"""What people say when they want words from an assistant, and what they say to one another: examples and phrases.

Written by hand, in English. Examples serve in any wording that is near them; phrases only as they stand here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from waggledance.protocols._gate import Reason

EXAMPLES: Mapping[Reason, tuple[str, ...]] = {
    "knowledge": (
        "Does anybody know how that works?",
        "What does this word mean?",
        "Why is the sky blue?",
        "Which is the longest river in Africa?",
        "How many people live in Japan?",
        "I wonder when it was invented.",
        "What is the difference between the two?",
        "The computer shows an error, what does it mean?",
    ),
    "suggestion": (
        "Any ideas what we could do?",
        "Can somebody recommend a good one?",
        "I am stuck and do not know what to try next.",
        "I cannot decide which one to take.",
        "How do I get better at this?",
        "What would be a good plan for that?",
        "What should I cook with these?",
    ),
    "fact correction": (
        "No, I am pretty sure that it is not true.",
        "Are you sure? I thought it was something else.",
        "It is a fact that everybody knows.",
        "That is wrong, it was in another year.",
    ),
    "emotional support": (
        "I feel so sad and alone.",
        "My best friend has died and it hurts.",
        "I am afraid of what will happen.",
        "Nothing works out for me, I want to give up.",
    ),
    "style": (
        "You are an idiot, shut up!",
        "What a load of rubbish, are you insane?",
        "Nobody wants you here, I hate you.",
    ),
}
SMALL_TALK = (
    "Are you coming tonight?",
    "See you tomorrow at seven.",
    "Thank you so much!",
    "Congratulations on your wedding!",
    "Sleep well, all of you.",
    "Haha, that is funny.",
    "Where are you right now?",
    "Who brings the food?",
    "I am in the tram, nearly there.",
    "How was your day?",
    "Can you send me the file, please?",
    "Let us meet in front of the station.",
    "Yes, sounds good to me.",
    "I love it, great news!",
    "Do you like my dress?",
    "Would one of you help me carry this?",
    "Have you seen that film?",
)


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})", re.IGNORECASE)


_THEY = r"(?:you|we|he|she|they)\b"

PHRASES: Mapping[Reason, re.Pattern[str]] = {
    "knowledge": _any(
        r"any(?:body|one) (?:here )?know",
        r"does (?:any|some)(?:body|one) know",
        r"(?:i )?wonder(?:ing)?\b",
        r"what(?:'s| is| are| was| were| does| do)(?! (?:you|your|we|our|he|she|they|up|wrong)\b)",
        rf"why (?:is|are|do|does|did|was|were)(?! {_THEY})",
        r"how (?:many|much|long|far|old|big|does|do|did|is|are|come|can)"
        r"(?! (?:you (?:feel|like|think)|your|are|we|was|were)\b)",
        rf"when (?:was|were|did|is)(?! (?:it\b|{_THEY}))",
        r"who (?:was|is|were|invented|wrote|discovered)\b",
        r"is there any\b",
        r"difference between",
    ),
    "suggestion": _any(
        r"any (?:ideas?|tips?|advice|suggestions?|recommendations?)",
        r"suggestions?\b|recommend|advice",
        r"i'?m stuck|i am stuck|no (?:idea|clue)|can'?t decide|cannot decide",
        r"not sure (?:whether|what|which|how|if)",
        r"what should i|should i\b",
        r"how (?:do|can|could|would|should) (?:i|one|you)\b",
        r"is there a (?:way|trick)|best way to",
    ),
    "fact correction": _any(
        r"are you sure|(?:pretty|quite|absolutely) sure|(?:i'?m|i am) certain|definitely",
        r"no,? it(?:'s| is| was)n?'?t?|wasn'?t it|isn'?t it",
        r"i thought it (?:was|is)|that'?s (?:not (?:true|right)|wrong)|for something else",
    ),
    "emotional support": _any(
        r"i feel (?:so )?(?:useless|alone|lonely|sad|terrible|awful|lost|hopeless|empty|guilty)",
        r"(?:can'?t|cannot) (?:stop crying|sleep|take it)",
        r"panick?(?:ing)?|(?:so|really) (?:scared|afraid|sad|lonely|anxious|worried)",
        r"passed away|heartbroken|depressed|grief",
    ),
    "style": _any(r"(?:idiot|moron|stupid|dumb(?:est)?|shut up|i hate you|ridiculous|pathetic|loser)\b"),
}
"""Turns of phrase that go with a reason."""

PEOPLE_ONLY = _any(
    rf"(?:are|were|did|do|have|can|could|will|would|shall|should|may) {_THEY}(?! all\b)",
    r"who(?:'s| has| brings?| is| won)\b",
    r"where(?:'s| is| are) (?:you|my|the|our|he|she|they)\b",
    r"what time\b|when (?:do|are|will) (?:you|we)\b",
    r"(?:your|here)\b",
    r"(?:can|did|is) (?:some|any|every)(?:body|one)\b",
    r"how (?:are|was|is|do you (?:feel|like))\b",
    r"why (?:are|did(?:n'?t)?|do) (?:you|we)\b",
)
"""What only those in the room can answer."""
