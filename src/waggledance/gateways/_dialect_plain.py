"""Plain words, for programs that read and write text and nothing else: what has no words leaves a line in its place."""

from __future__ import annotations

from waggledance.gateways._dialect import DialectError, Loss, Neutral, Piece, losses
from waggledance.gateways._dialect_wire import check_size


class PlainDialect:
    """UTF-8 text: a user's words, in one piece."""

    id = "plain/1"

    def read(self, raw: bytes) -> Neutral:
        """Return a message of a text."""
        check_size(raw, self.id)
        try:
            return Neutral(role="user", pieces=(Piece(text=raw.decode()),))
        except UnicodeDecodeError as why:
            raise DialectError("malformed", f"no UTF-8 text: {why}") from why

    def carried(self, message: Neutral) -> Neutral:
        """Return the words of all pieces together."""
        return Neutral(role="user", pieces=(Piece(text="\n\n".join(map(_words, message.pieces))),))

    def write(self, message: Neutral) -> tuple[bytes, tuple[Loss, ...]]:
        """Return a message's words, and what they do not carry."""
        (piece,) = self.carried(message).pieces
        return (piece.text or "").encode(), losses(self, message)


def _words(piece: Piece) -> str:
    if piece.text is not None:
        return piece.text
    return piece.stand_in if piece.data is None else piece.data
