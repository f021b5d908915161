"""What kind of answer a question expects, guessed from its words, for when nobody said so."""

from __future__ import annotations

import re
from string import ascii_uppercase
from unicodedata import normalize

from waggledance.core import Question

_COUNT = re.compile(r"\bhow (?:many|much|old|far|tall|long|fast|heavy|high|wide|deep|big)\b", re.IGNORECASE)
_ARITHMETIC = re.compile(
    r"\b(?:calculate|compute|evaluate|what percent(?:age)?|percent(?:age)? of|solve for|square root|"
    r"(?:sum|product|difference|average|mean|total|number|remainder) of)\b"
    r"|\bwhat(?:'s| is| are)\s+(?:the value of\s+)?[-(]?\d[\d.,]*\s*(?:[-+*/x×÷^%]|plus|minus|times|divided)"
    r"|^[\s\d.,()+*/x×÷^-]*\d\s*[-+*/x×÷^]\s*\(?\d[\s\d.,()+*/x×÷^-]*[=?\s]*$",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:write|implement|create|complete|fix)\b[^.?!\n]{0,60}\b(?:function|program|script|code|class|method|regex|query)\b"
    r"|^\s*(?:async )?def \w+\(",
    re.IGNORECASE | re.MULTILINE,
)
_YES_NO = re.compile(
    r"(?:is|are|was|were|am|do|does|did|can|could|will|would|should|shall|has|have|had|may|might|must|true or false|"
    r"isn't|aren't|wasn't|weren't|don't|doesn't|didn't|can't|couldn't|won't|wouldn't|shouldn't|hasn't|haven't)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\b(?:yes or no|true or false|yes/no|true/false)\b", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"\bor\b(?! not\b)", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.?!\n]+[.?!]*")
_OPTION = re.compile(r"(?:(?<=\s)|(?<=[,;?:])|^)\(?([A-Za-z])[).:][ \t]+(?=\S)")
_MAX_CHARS = 32_000


def guess_kind(text: str) -> Question:
    """Return a text as a question, with the kind of answer that its words ask for; "short" where they ask for none.

    Options written as ``A) … B) …``, in one line or several, are taken out of the text.

    Raises:
        UsageError: the text is empty.

    >>> [guess_kind(text).expects for text in ("How many are left?", "Is 7 prime?", "Who wrote Emma?")]
    ['number', 'yes/no', 'short']
    >>> guess_kind("Which is even?  A) 3  B) 4").options
    ('3', '4')
    """
    text = normalize("NFC", text).strip()
    said = text[-_MAX_CHARS:]
    if _CODE.search(said):
        return Question(text=text, expects="code")
    stem, options = _options(text)
    if options:
        return Question(text=stem, expects="choice", options=options)
    sentences: list[str] = [s.strip() for s in _SENTENCE.findall(said) if s.strip()]
    asking = next((s for s in reversed(sentences) if s.endswith("?")), sentences[-1] if sentences else "")
    if _ASKED.search(said):
        return Question(text=text, expects="yes/no")
    if _COUNT.search(asking):
        return Question(text=text, expects="number")
    if _YES_NO.match(asking) and asking.endswith("?") and not _ALTERNATIVE.search(asking):
        return Question(text=text, expects="yes/no")
    if _ARITHMETIC.search(asking) or _ARITHMETIC.search(said) or _COUNT.search(said):
        return Question(text=text, expects="number")
    return Question(text=text)


def _options(text: str) -> tuple[str, tuple[str, ...]]:
    """Split a text into what comes before its options, and the options; none unless they are lettered from A on."""
    run: list[re.Match[str]] = []
    for match in _OPTION.finditer(text):
        if len(run) < len(ascii_uppercase) and match[1].upper() == ascii_uppercase[len(run)]:
            run.append(match)
        elif match[1].upper() == "A":
            run = [match]
    stem = text[: run[0].start()].strip() if run else ""
    if len(run) < 2 or not stem:
        return text, ()
    ends = [*(match.start() for match in run[1:]), len(text)]
    options = tuple(text[match.end() : end].strip(" \t\n,;") for match, end in zip(run, ends, strict=True))
    return (stem, options) if all(options) else (text, ())
