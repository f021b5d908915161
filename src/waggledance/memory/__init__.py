"""What a swarm remembers: one store of records, and views of it."""

__all__: list[str] = []
