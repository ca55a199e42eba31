"""Converts stored numbers to uint8 intensities; the range of the numbers is given or recognised, and always stated."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from rdl.errors import UserError

Range = tuple[float, float]
"""The stored values that become 0 and 255."""

_DARKEST = 64  # of 255: images whose brightest value lies below are probably stored in another range
_ROUNDING = 0.4 / 255  # of the range: a value that lies less outside it is rounded to its end
_NEARLY_ALL = 0.999  # share of the values; the brightest rest may be defects of a camera
_LEVELS = 2**16  # at which values are counted
_BIT_DEPTHS = (10, 12, 14, 16)  # of cameras whose images come in integers of 16 bits


@dataclass
class Extent:
    """Type, extreme values and distribution of stored numbers, gathered block by block."""

    dtype: np.dtype | None = None
    low: float = math.inf
    high: float = -math.inf
    _counts: np.ndarray = field(default_factory=lambda: np.zeros(_LEVELS, np.int64))

    def add(self, block: np.ndarray, what: str) -> None:
        """Takes in a block of numbers.

        Raises:
          UserError: NaN or infinity, or values that are not real numbers.
        """
        if block.dtype.kind not in "buif":
            raise UserError(f"Expected {what} as integers, floats or bool, got {block.dtype}: convert them.")
        if not np.isfinite(block).all():
            raise UserError(f"{what} hold NaN or infinity: remove or replace these values.")
        self.dtype = block.dtype if self.dtype is None else self.dtype
        if block.size:
            self.low, self.high = min(self.low, float(block.min())), max(self.high, float(block.max()))
            unit = 1 if block.dtype.kind == "f" else _LEVELS - 1
            levels = np.clip(block, 0, unit).astype(np.float64) * ((_LEVELS - 1) / unit)
            self._counts += np.bincount(levels.astype(np.int64).ravel(), minlength=_LEVELS)

    @property
    def bright(self) -> float:
        """The value that 99.9 % of the numbers do not exceed, of floats between 0 and 1 or integers up to 65,535."""
        level = int(np.searchsorted(np.cumsum(self._counts), _NEARLY_ALL * self._counts.sum()))
        return level / (_LEVELS - 1) if self.dtype is not None and self.dtype.kind == "f" else float(level)


def measure_extent(blocks: Iterable[np.ndarray], what: str) -> Extent:
    """Type and extreme values of all blocks.

    Raises:
      UserError: see `Extent.add`.
    """
    extent = Extent()
    for block in blocks:
        extent.add(block, what)
    return extent


def check_value_range(value_range: object) -> Range | None:
    """Checks the setting dataset.value_range.

    Raises:
      UserError: neither None nor two finite numbers in ascending order.
    """
    if value_range is None:
        return None
    match value_range:
        case (int() | float() as low, int() | float() as high) if -math.inf < low < high < math.inf:
            return float(low), float(high)
    raise UserError(f"Expected dataset.value_range as (low, high), two ascending numbers, got {value_range!r}.")


def resolve_range(extent: Extent, given: Range | None, what: str) -> tuple[Range, str | None]:
    """The stored values of black and white, and a note where they were recognised rather than declared by the type.

    Integers up to 255 are 8-bit intensities, larger ones up to 65,535 intensities of the smallest usual bit depth
    that holds them, and floats lie in [0, 1]. Numbers that use less than a quarter of such a range are refused.

    Args:
      extent: of all stored values.
      given: the setting dataset.value_range; None: recognises the range.
      what: names the images, for messages.

    Raises:
      UserError: values outside the given range, or no range that can be recognised with confidence.
    """
    low, high = extent.low, extent.high
    assert extent.dtype is not None
    if extent.dtype.kind == "f":  # rounding errors: less than half a level becomes black or white
        ends = given or (0.0, 1.0)
        allowed = _ROUNDING * (ends[1] - ends[0])
        low = ends[0] if ends[0] - allowed < low < ends[0] else low
        high = ends[1] if ends[1] < high < ends[1] + allowed else high
    if given is not None:
        if low < given[0] or high > given[1]:
            raise UserError(
                f"Expected {what} in dataset.value_range = {_pair(*given)}, got values from {low:g} to {high:g}: "
                f"widen the range to {_pair(low, high)} or clip the values."
            )
        return given, f"values {given[0]:g} to {given[1]:g} become black to white (dataset.value_range)"
    if extent.dtype.kind == "b":
        return (0, 1), None
    if extent.dtype.kind == "f":
        if low < 0 or high > 1 or high - low < _DARKEST / 255:
            raise _unrecognised(extent, "floats from 0 to 1", what)
        return (0, 1), _describe_outliers(extent, 1)
    if low < 0 or high >= 2 ** _BIT_DEPTHS[-1] or high < _DARKEST:
        raise _unrecognised(extent, "integers from 0 to 255 or 65,535", what)
    if high <= 255:
        return (0, 255), _describe_outliers(extent, 255)
    bits = next(bits for bits in _BIT_DEPTHS if high < 2**bits)
    if high - low < _DARKEST / 255 * 2**bits:  # a few of the 256 levels
        raise _unrecognised(extent, f"integers that use the range 0 to {2**bits - 1:,}", what)
    notes = (
        f"values up to {high:,.0f} are read as {bits}-bit intensities, 0 to {2**bits - 1:,} (dataset.value_range)",
        _describe_outliers(extent, 2**bits - 1),
    )
    return (0, 2**bits - 1), "; ".join(note for note in notes if note)


def _describe_outliers(extent: Extent, white: float) -> str | None:
    """A warning where the images are nearly black but for one value in a thousand, such as hot pixels of a camera."""
    if extent.bright >= _DARKEST / 255 * white:
        return None
    return (
        f"warning: 99.9 % of the values are at most {extent.bright:g}, so the images are nearly black beside the "
        f"brightest values, up to {extent.high:g}: if these are defects, clip the values to {extent.bright:g} and set "
        f"dataset.value_range = {_pair(min(extent.low, 0), extent.bright)}"
    )


def _unrecognised(extent: Extent, expected: str, what: str) -> UserError:
    low, high = extent.low, extent.high
    if low == high:
        return UserError(f"Expected {what} that vary, got {low:g} everywhere: there is nothing to learn.")
    usual: tuple[Range, ...] = ((0, 1), (-1, 1), (0, 255))
    whole = extent.dtype is not None and extent.dtype.kind != "f"
    fits = (pair for pair in usual if pair[0] <= low and high <= pair[1] and high - low > 0.5 * (pair[1] - pair[0]))
    guess = (low, high) if whole else next(fits, (low, high))
    keep = " or, if they are as dark as that, (0, 255)" if whole and low >= 0 and high < _DARKEST else ""
    return UserError(
        f"Expected {what} as {expected}, got {extent.dtype} values from {low:g} to {high:g}: set "
        f"dataset.value_range = {_pair(*guess)}{keep}, the values of black and white."
    )


def _pair(low: float, high: float) -> str:
    return f"({low:g}, {high:g})"


def to_uint8(block: np.ndarray, value_range: Range) -> np.ndarray:
    """Stored numbers as uint8: the range's ends become 0 and 255, values between are rounded to the nearest level."""
    low, high = value_range
    if block.dtype == np.uint8 and value_range == (0, 255):
        return block
    if block.dtype.kind != "f":
        block = block.astype(np.float64)
    return np.rint((block - low) * (255 / (high - low))).astype(np.uint8)


class Brightest:
    """Checks that uint8 images use the range 0 to 255: class numbers and masks stored as small integers do not.

    Args:
      what: names the images, for messages.
    """

    def __init__(self, what: str):
        self._what = what
        self._extent = Extent(np.dtype(np.uint8))

    def add(self, block: np.ndarray) -> np.ndarray:
        """Takes in a block of uint8 images and returns it."""
        if self._is_suspicious:
            self._extent.add(block, self._what)
        return block

    @property
    def _is_suspicious(self) -> bool:
        return self._extent.high < _DARKEST or self._extent.low == self._extent.high

    def check(self) -> None:
        """Call after the last block.

        Raises:
          UserError: no value reaches a quarter of 255, or all values are equal.
        """
        if self._extent.low == self._extent.high:
            raise _unrecognised(self._extent, "images", self._what)
        if self._extent.high < _DARKEST:
            resolve_range(self._extent, None, self._what)
