"""Composes transparent pictures on one ground, chosen such that no picture's shapes vanish."""

import numpy as np

from rdl.errors import UserError

_NAMES = {"white": 255, "black": 0, "grey": 128}
_CLEAR, _VISIBLE = 0.5, 0.1  # contrast on a ground relative to the contrast on the best ground for the picture

Background = str | int
"""white, black, grey or a level from 0 to 255."""


def check_background(background: object) -> int | None:
    """Level of the setting dataset.background; None where it is left to `Grounds`.

    Raises:
      UserError: another name or level.
    """
    if background is None:
        return None
    if isinstance(background, str) and background in _NAMES:
        return _NAMES[background]
    if type(background) is int and 0 <= background <= 255:
        return background
    raise UserError(
        f"Expected dataset.background as 'white', 'black', 'grey' or a level from 0 to 255, got {background!r}."
    )


def compose(pixels: np.ndarray, alpha: np.ndarray, level: int) -> np.ndarray:
    """uint8 pixels [height, width, channels] over a ground of one level, by their opacity [height, width, 1]."""
    return np.rint(level + alpha * (pixels.astype(np.float32) - level)).astype(np.uint8)


class Grounds:
    """Contrast of transparent pictures on a white, a black and a grey ground.

    The contrast of a picture is the standard deviation of its composed grey values, relative to that on the ground
    that suits it best. A dark shape has none on black, a light one none on white.
    """

    def __init__(self) -> None:
        self.pictures = 0
        self._weakest = dict.fromkeys(_NAMES, 1.0)
        self._weakest_name = ""

    def add(self, pixels: np.ndarray, alpha: np.ndarray, name: str) -> None:
        """Takes in a picture: uint8 pixels [height, width, channels] and opacity [height, width, 1]."""
        self.pictures += 1
        grey = pixels.mean(axis=2, keepdims=True)
        contrast = {ground: float(np.std(alpha * (grey - level))) for ground, level in _NAMES.items()}
        best = max(contrast.values())
        if best < 1:  # less than one level: the same everywhere on any ground
            return
        if max(self._weakest.values()) >= _VISIBLE:
            self._weakest_name = name
        self._weakest = {ground: min(self._weakest[ground], contrast[ground] / best) for ground in _NAMES}

    def choose(self) -> str:
        """White or black if all shapes are clear on it, else the ground with the clearest of the faintest shapes.

        Raises:
          UserError: some shapes vanish on every ground.
        """
        for ground in ("white", "black"):
            if self._weakest[ground] >= _CLEAR:
                return ground
        best = max(self._weakest, key=self._weakest.__getitem__)
        if self._weakest[best] < _VISIBLE:
            raise UserError(
                f"Expected transparent pictures whose shapes show on a white, a black or a grey ground, got some that "
                f"vanish on each, such as {self._weakest_name}: choose dataset.background = LEVEL (0 to 255), or "
                "compose the pictures on a ground of your own."
            )
        return best
