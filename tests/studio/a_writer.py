"""A process that writes a log while somebody watches: it publishes a message for every line on its stdin."""

from __future__ import annotations

import sys

from waggledance.core import (
    UNIT,
    Cut,
    Log,
    Member,
    Opening,
    Outcome,
    Proposal,
    Question,
    compose,
    local_peer_id,
    swarm_id,
)

ASKER, BEE, SWARM = local_peer_id("asker"), local_peer_id("bee"), swarm_id("s")


def main(path: str, channel: str) -> None:
    """Open a channel, then say what comes in; the line ``decide`` ends it."""
    with Log(path) as log:
        opening, raw = compose(
            ASKER,
            Opening(question=Question(text="2 + 2?", expects="number"), members=(Member(BEE, "bee", UNIT),),
                    protocol="debate", topology="complete", rule="majority"),
            1, None, (), 1, 1, SWARM, channel,
        )  # fmt: skip
        log.append(opening, raw)
        log.flush_now()
        previous, sequence = None, 0
        say("ready")
        for line in sys.stdin:
            if line.strip() == "decide":
                cut, raw = compose(ASKER, Cut(ids=()), 2, opening.id, (), 2, 2, SWARM, channel)
                log.append(cut, raw)
                outcome = Outcome(status="undecided", key=None, rule="majority", decision=bytes(32))
                log.append(*compose(ASKER, outcome, 3, cut.id, (), 3, 3, SWARM, channel))
            else:
                sequence += 1
                parents = (opening.id,) if previous is None else ()
                said, raw = compose(
                    BEE, Proposal(key="4", text=line.strip()), sequence, previous, parents, 1 + sequence, 2, SWARM,
                    channel,
                )  # fmt: skip
                previous = said.id
                log.append(said, raw)
            log.flush_now()
            say("written")


def say(word: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
