"""How far the members have come that this process trains: told to who listens, without effect on what is learned."""

import threading
from collections.abc import Callable

Listener = Callable[[str, int, int], None]
"""Called with a member's name, the images that each of its models has seen in this generation, and is to see."""

_listeners: list[Listener] = []
_telling = threading.Lock()  # members side by side tell from their threads


def listen(listener: Listener) -> Callable[[], None]:
    """Has the listener told from now on; returns what ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener) if listener in _listeners else None


def tell(name: str, seen: int, of: int) -> None:
    """Says that so many images of the member's are done."""
    with _telling:
        for listener in _listeners:
            listener(name, min(seen, of), of)
