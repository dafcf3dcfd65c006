"""So many of something and no more, by key: what was used longest ago goes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(dict[K, V], Generic[K, V]):
    """The ``most`` that were used last, in the order of their last use."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def used(self, key: K, make: Callable[[], V]) -> V:
        """The one under that key, made where there is none."""
        return self.keep(key, self[key] if key in self else make())

    def keep(self, key: K, value: V) -> V:
        """``value``, under that key from now on."""
        self.pop(key, None)
        self[key] = value
        while len(self) > self.most:
            del self[next(iter(self))]
        return value
