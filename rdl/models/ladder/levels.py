"""The levels of a ladder: which latents are whose, and the layers that know their level."""

from collections.abc import Sequence
from dataclasses import dataclass

import gin
import keras
from keras import layers, ops

from rdl.errors import UserError


@dataclass(frozen=True)
class Levels:
    """How the latents of all levels lie in one vector: the deepest level's first.

    Attributes:
      sizes: latents of each level, deepest first.
    """

    sizes: tuple[int, ...]

    def __post_init__(self):
        if not self.sizes or min(self.sizes) < 1:
            raise UserError(f"A ladder needs at least one latent in each level, got {list(self.sizes)}.")

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def num_latents(self) -> int:
        """Latents of all levels."""
        return sum(self.sizes)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The levels' numbers, L (deepest, farthest from the image) down to 1."""
        return tuple(range(len(self.sizes), 0, -1))

    @property
    def names(self) -> tuple[str, ...]:
        """``level_L`` down to ``level_1``."""
        return tuple(f"level_{number}" for number in self.numbers)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each level's latents lie in the vector, in the order of `names`."""
        ends = [sum(self.sizes[: i + 1]) for i in range(len(self.sizes))]
        return tuple(slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True))

    def name_of(self, latent: int) -> str:
        """The level that a latent belongs to."""
        return next(name for name, where in zip(self.names, self.slices, strict=True) if latent < where.stop)


@gin.configurable("levels")
def levels_for(num_latents: int, count: int = 3, sizes: Sequence[int] | None = None) -> Levels:
    """The levels of a ladder with so many latents.

    Args:
      num_latents: of all levels together.
      count: how many levels, of as many latents each.
      sizes: latents of each level, deepest first, where they differ; takes the place of `count`.

    Raises:
      UserError: the latents do not add up.
    """
    if sizes is None:
        if count < 1 or num_latents % count:
            raise UserError(
                f"{num_latents} latents cannot be shared out evenly over {count} levels: make model.num_latents a "
                "multiple of levels.count, or give levels.sizes."
            )
        sizes = [num_latents // count] * count
    if sum(sizes) != num_latents:
        raise UserError(f"levels.sizes = {tuple(sizes)} has to add up to model.num_latents, which is {num_latents}.")
    return Levels(tuple(sizes))


@keras.saving.register_keras_serializable("rdl")
class LevelLatents(layers.Layer):
    """Takes one level's latents [batch, size] out of the vector of all levels' [batch, latents]."""

    def __init__(self, start: int, size: int, **kwargs):
        super().__init__(**kwargs)
        self.start, self.size = start, size

    def call(self, latents):
        """The columns `start` .. `start + size`."""
        return latents[:, self.start : self.start + self.size]

    def get_config(self):
        """What `__init__` takes."""
        return super().get_config() | {"start": self.start, "size": self.size}


@keras.saving.register_keras_serializable("rdl")
class Gate(layers.Layer):
    """Multiplies a level's features by a weight that a schedule sets and no gradient moves; open (1) until then.

    Args:
      level: its number, 1 nearest to the image.
      name: ``level_1_gate`` if None.
    """

    def __init__(self, level: int, name: str | None = None, **kwargs):
        super().__init__(name=name or f"level_{level}_gate", **kwargs)
        self.level = level
        self.gate_initializer = keras.initializers.Ones()

    def build(self, input_shape):
        """Makes the weight."""
        self.gate = self.add_weight(
            shape=(), initializer=self.gate_initializer, trainable=False, aggregation="only_first_replica", name="gate"
        )

    def call(self, inputs):
        """inputs * gate."""
        return inputs * self.gate

    def get_config(self):
        """What `__init__` takes."""
        return super().get_config() | {"level": self.level}


@keras.saving.register_keras_serializable("rdl")
class Affine(layers.Layer):
    """A learned scale and shift per channel (the last axis), and no normalisation.

    This is what batch normalisation computes that is never told that it trains: its moving moments stay at 0 and
    1. The scale starts at what such a layer multiplies by, 1 / sqrt(1 + 0.001).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale_initializer = keras.initializers.Constant(1.001**-0.5)
        self.shift_initializer = keras.initializers.Zeros()

    def build(self, input_shape):
        """Makes scale and shift."""
        shape = (input_shape[-1],)
        self.scale = self.add_weight(shape=shape, initializer=self.scale_initializer, name="scale")
        self.shift = self.add_weight(shape=shape, initializer=self.shift_initializer, name="shift")

    def call(self, inputs):
        """inputs * scale + shift."""
        return ops.add(ops.multiply(inputs, self.scale), self.shift)


def split_levels(latents, levels: Levels) -> list:
    """A layer per level that takes its latents, under the level's name."""
    return [
        LevelLatents(where.start, where.stop - where.start, name=name)(latents)
        for name, where in zip(levels.names, levels.slices, strict=True)
    ]


def levels_of(decoder: keras.Model) -> Levels | None:
    """The levels of a decoder's latents, of a model in training or one read from disk; None if it has none."""
    parts = [layer for layer in decoder.layers if isinstance(layer, LevelLatents)]
    return Levels(tuple(part.size for part in sorted(parts, key=lambda part: part.start))) if parts else None


def gates_of(network: keras.Model) -> list[Gate]:
    """All gates of a network."""
    return [layer for layer in network.layers if isinstance(layer, Gate)]
