"""Reports the progress of the members that this process trains; no effect on the training."""

import threading
from collections.abc import Callable

Listener = Callable[[str, int, int], None]
"""(member's name, images that each of its models has seen in this generation, images of the generation)."""

_listeners: list[Listener] = []
_lock = threading.Lock()  # members trained at once report from their threads


def add_listener(listener: Listener) -> Callable[[], None]:
    """Calls the listener at every report from now on; returns a function that removes it."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener) if listener in _listeners else None


def report_progress(name: str, images: int, total: int) -> None:
    """Reports that a member has trained on `images` of `total` images."""
    with _lock:
        for listener in _listeners:
            listener(name, min(images, total), total)
