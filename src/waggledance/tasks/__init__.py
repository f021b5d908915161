"""Work without a manager: plans as folds over published edits, claims, routing, checks, teams and batches."""

__all__: list[str] = []
