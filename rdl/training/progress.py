"""How far the member has come that this process trains: told to who listens, without effect on what is learned."""

from collections.abc import Callable

Listener = Callable[[int, int], None]
"""Called with the images that each model has seen in this generation, and how many it is to see."""

_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Has the listener told from now on; returns what ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener) if listener in _listeners else None


def tell(seen: int, of: int) -> None:
    """Says that so many images of the member's are done."""
    for listener in _listeners:
        listener(min(seen, of), of)
