"""TensorBoard events that a resumed run does not repeat."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.hparams import api as hp
from tensorboard.plugins.hparams import metadata

from rdl.runs import files


class EventWriter:
    """Writes events to a folder, and leaves out the tags and steps that its event files already hold.

    A killed run may have written any part of its last events. The event files themselves show which.

    Args:
      folder: of the event files; it is created with the first event.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._written = read_events(folder)
        self._writer: tf.summary.SummaryWriter | None = None

    def has(self, tag: str, step: int) -> bool:
        """Whether an event with this tag and step is written."""
        return (tag, step) in self._written

    def scalar(self, tag: str, value: float, step: int, description: str | None = None) -> None:
        """Writes a number; the description is shown beside the chart."""
        self._write(tag, step, lambda: tf.summary.scalar(tag, value, step, description))

    def histogram(self, tag: str, values: list[float], step: int) -> None:
        """Writes the distribution of some numbers."""
        self._write(tag, step, lambda: tf.summary.histogram(tag, values, step))

    def text(self, tag: str, text: str, step: int) -> None:
        """Writes Markdown."""
        self._write(tag, step, lambda: tf.summary.text(tag, text, step))

    def image(self, tag: str, image: np.ndarray, step: int) -> None:
        """Writes a uint8 image [height, width, channels]."""
        self._write(tag, step, lambda: tf.summary.image(tag, image[None], step))

    def hparams(self, values: dict[str, Any], trial: str) -> None:
        """Writes the row of a trial in the HParams tab."""
        self._write(metadata.SESSION_START_INFO_TAG, 0, lambda: hp.hparams(values, trial))

    def hparams_config(self, hparams: list[hp.HParam], metrics: list[hp.Metric]) -> None:
        """Writes the columns of the HParams tab."""
        self._write(metadata.EXPERIMENT_TAG, 0, lambda: hp.hparams_config(hparams, metrics))

    def _write(self, tag: str, step: int, write: Callable[[], Any]) -> None:
        if self.has(tag, step):
            return
        if self._writer is None:
            files.make_folder(self._folder)  # explains in one line if a file is in its place
            self._writer = tf.summary.create_file_writer(str(self._folder))
        with self._writer.as_default():
            write()
        self._written.add((tag, step))

    def flush(self) -> None:
        """Writes buffered events to disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Writes buffered events to disk and closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def read_events(folder: Path) -> set[tuple[str, int]]:
    """(tag, step) of all events in the files of a folder; a file that ends within an event is read up to it."""
    found: set[tuple[str, int]] = set()
    for path in sorted(folder.glob("*tfevents*")):
        for record in RawEventFileLoader(str(path)).Load():
            event = Event.FromString(record)
            found |= {(value.tag, event.step) for value in event.summary.value}
    return found
