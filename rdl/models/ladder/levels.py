"""The levels of a ladder's latents, and the layers that belong to a level."""

from collections.abc import Sequence
from dataclasses import dataclass

import gin
import keras
from keras import layers, ops

from rdl.errors import UserError


@dataclass(frozen=True)
class Levels:
    """The numbers of latents of all levels. One vector holds all latents, the deepest level's first.

    Attributes:
      sizes: latents of each level, deepest first.
    """

    sizes: tuple[int, ...]

    def __post_init__(self):
        if not self.sizes or min(self.sizes) < 1:
            raise UserError(f"levels.sizes must be at least 1 each, got {list(self.sizes)}: give each level a latent.")

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def num_latents(self) -> int:
        """Number of latents of all levels together."""
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
        """Each level's slice of the vector of latents, in the order of `names`."""
        ends = [sum(self.sizes[: i + 1]) for i in range(len(self.sizes))]
        return tuple(slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True))

    def name_of(self, latent: int) -> str:
        """Name of a latent's level."""
        return next(name for name, where in zip(self.names, self.slices, strict=True) if latent < where.stop)


@gin.configurable("levels")
def levels_for(num_latents: int, count: int = 3, sizes: Sequence[int] | None = None) -> Levels:
    """The levels of a ladder with `num_latents` latents.

    Args:
      num_latents: in all levels together.
      count: number of levels, with equal numbers of latents.
      sizes: number of latents of each level, deepest first; replaces `count`.

    Raises:
      UserError: the latents do not add up.
    """
    if sizes is None:
        if count < 1 or num_latents % count:
            raise UserError(
                f"model.num_latents must be a multiple of levels.count, got {num_latents} latents for {count} levels: "
                "change one of them, or set levels.sizes."
            )
        sizes = [num_latents // count] * count
    if sum(sizes) != num_latents:
        raise UserError(
            f"levels.sizes must add up to model.num_latents, which is {num_latents}, got {tuple(sizes)}: change one."
        )
    return Levels(tuple(sizes))


@keras.saving.register_keras_serializable("rdl")
class LevelLatents(layers.Layer):
    """Selects one level's latents [batch, size] from those of all levels [batch, latents]."""

    def __init__(self, start: int, size: int, **kwargs):
        super().__init__(**kwargs)
        self.start, self.size = start, size

    def call(self, latents):
        """The columns `start` .. `start + size`."""
        return latents[:, self.start : self.start + self.size]

    def get_config(self):
        """The arguments of `__init__`."""
        return super().get_config() | {"start": self.start, "size": self.size}


@keras.saving.register_keras_serializable("rdl")
class Gate(layers.Layer):
    """Multiplies a level's features by a gate, a weight that a schedule sets and training does not; initially 1.

    Args:
      level: number of the level, 1 nearest to the image.
      name: None: ``level_1_gate`` for level 1.
    """

    def __init__(self, level: int, name: str | None = None, **kwargs):
        super().__init__(name=name or f"level_{level}_gate", **kwargs)
        self.level = level
        self.gate_initializer = keras.initializers.Ones()

    def build(self, input_shape):
        """Makes the gate."""
        self.gate = self.add_weight(
            shape=(), initializer=self.gate_initializer, trainable=False, aggregation="only_first_replica", name="gate"
        )

    def call(self, inputs):
        """inputs * gate."""
        return inputs * self.gate

    def get_config(self):
        """The arguments of `__init__`."""
        return super().get_config() | {"level": self.level}


@keras.saving.register_keras_serializable("rdl")
class Affine(layers.Layer):
    """A learned scale and shift per channel (the last axis), without normalisation.

    This is batch normalisation that is always in inference mode, with moving moments of 0 and 1. The initial scale is
    that layer's, 1 / sqrt(1 + 0.001).
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
    """Each level's latents, by a layer with the level's name."""
    return [
        LevelLatents(where.start, where.stop - where.start, name=name)(latents)
        for name, where in zip(levels.names, levels.slices, strict=True)
    ]


def levels_of(decoder: keras.Model) -> Levels | None:
    """The levels of a decoder's latents, in training or read from disk; None if it has none."""
    parts = [layer for layer in decoder.layers if isinstance(layer, LevelLatents)]
    return Levels(tuple(part.size for part in sorted(parts, key=lambda part: part.start))) if parts else None


def gates_of(network: keras.Model) -> list[Gate]:
    """All gates of a network."""
    return [layer for layer in network.layers if isinstance(layer, Gate)]
