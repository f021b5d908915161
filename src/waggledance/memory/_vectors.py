"""Exact search among vectors: one matrix, one product, the nearest by whole numbers.

A vector is taken at length 4,000 and rounded to whole coordinates. A sum of products of two such vectors, and every
part of it, is at most 4,016² < 2^24 (Cauchy and Schwarz), and whole numbers up to there are exact in 32-bit floats: so
the product is the same number on every machine and in every order of adding, and a fast float product may be used for
what must not differ. What is lost is under 0.001 of a cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance.core import UNIT, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LENGTH = 4_000
"""Of every vector, so that products stay below 2^24."""
MAX_DIMENSIONS = 1_024
"""Rounding makes a vector longer by up to √dimensions/2: by 16 here."""
_FIRST_ROWS = 256


def whole(vectors: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """Return vectors at length 4,000 with whole coordinates.

    Args:
        vectors: shape (count, dimensions), of any length but 0.
        count: how many there must be.

    Raises:
        UsageError: they are not `count` rows of up to 1,024 finite numbers, or one has no direction.
    """
    import numpy as np

    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != count or not 1 <= rows.shape[1] <= MAX_DIMENSIONS:
        raise UsageError(f"{count} texts are embedded as {count} rows of 1 to {MAX_DIMENSIONS:,} numbers, got an array "
                         f"of {rows.shape}")  # fmt: skip
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.all(np.isfinite(length)) or not np.all(length):
        raise UsageError("an embedding has finite numbers and a direction: got a row with NaN, infinity or zeros only")
    return np.asarray(np.rint(rows / length * LENGTH), dtype=np.float32)


def to_ppm(product: float) -> int:
    """Return a product of two whole vectors as a cosine in parts per million."""
    return int(product) * UNIT // LENGTH**2


class Matrix:
    """Vectors in rows that only grow in number, until they are dropped.

    Args:
        dimensions: of each vector.
    """

    def __init__(self, dimensions: int) -> None:
        import numpy as np

        self._rows = np.zeros((_FIRST_ROWS, dimensions), dtype=np.float32)
        self.size = 0
        """How many rows are in use."""

    @property
    def rows(self) -> NDArray[np.float32]:
        """The rows in use, shape (size, dimensions)."""
        return self._rows[: self.size]

    def extend(self, vectors: NDArray[np.float32]) -> None:
        """Add rows below the others."""
        import numpy as np

        needed = self.size + len(vectors)
        if needed > len(self._rows):
            grown = np.zeros((max(needed, 2 * len(self._rows)), self._rows.shape[1]), dtype=np.float32)
            grown[: self.size] = self.rows
            self._rows = grown
        self._rows[self.size : needed] = vectors
        self.size = needed

    def nearest(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, int]]:
        """Return the rows nearest to a vector, with their products: nearest first, all that tie with the last as well.

        Args:
            vector: as `whole` makes them, shape (dimensions,).
            count: how many, where none tie.
            allowed: which rows may be returned, shape (size,); all when None.
        """
        import numpy as np

        # Not `rows @ vector`: that splits into threads, which wait for each other on a busy machine: 10 ms for 1.
        products = np.einsum("ij,j->i", self.rows, vector)
        places = np.arange(self.size)
        if allowed is not None:
            places = np.flatnonzero(allowed)
            products = products[places]
        if len(products) > count:
            least = np.partition(products, len(products) - count)[len(products) - count]
            best = np.flatnonzero(products >= least)
        else:
            best = np.arange(len(products))
        found = [(int(places[i]), int(products[i])) for i in best]
        return sorted(found, key=lambda one: -one[1])
