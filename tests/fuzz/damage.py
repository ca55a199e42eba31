"""What is done to true files and values to make bad ones; everything is drawn from the generator that is given."""

import json
from typing import Any

import numpy as np

WORDS = (
    "", "a", "mean", "dataset", "population", "search", "experiment", "mig", "final", "x_run", "/dev/null",
    "a\0b", "\udcff", "\ud800", "é", "名", "<script>", "%s", "x" * 300, "a\nb", "'", '"',
    "@experiment", "%macro", "NaN", "images", "factors", "1e400", "__import__('os')", "tfds:a:b", "~nobody/x",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 255, 256, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400,
    0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip


def pick(random: np.random.Generator, options):
    """One of them."""
    return options[int(random.integers(len(options)))]


def content(random: np.random.Generator, whole: bytes) -> bytes:
    """A file's bytes with one to three things wrong, more often at its two ends, where formats keep their headers."""
    out = bytearray(whole)
    for _ in range(int(random.integers(1, 4))):
        size = len(out)
        if not size:
            return bytes(out)
        edge = min(size, 300)
        place = int(pick(random, (random.integers(size), random.integers(edge), size - 1 - random.integers(edge))))
        length = int(pick(random, (1, 2, 4, 8, 64, int(random.integers(1, size + 1)))))
        kind = int(random.integers(8))
        if kind == 0:
            out[place] ^= 1 << int(random.integers(8))
        elif kind == 1:
            out[place] = int(random.integers(256))
        elif kind == 2:
            del out[place:]
        elif kind == 3:
            del out[place : place + length]
        elif kind == 4:
            out[place:place] = random.bytes(min(length, 5000))
        elif kind == 5:
            out[place : place + length] = bytes(len(out[place : place + length]))
        elif kind == 6:  # a length or a count that is absurd
            number = int(pick(random, (0, 1, 2**31 - 1, 2**32 - 1, 2**16 - 1, int(random.integers(2**32)))))
            out[place : place + 4] = number.to_bytes(4, pick(random, ("little", "big")))
        else:
            part = bytes(out[place : place + length])
            where = int(random.integers(len(out) + 1))
            out[where:where] = part
    return bytes(out)


def text(random: np.random.Generator, whole: str) -> str:
    """A text with one to three things wrong: characters, lines, words."""
    for _ in range(int(random.integers(1, 4))):
        kind, place = int(random.integers(6)), int(random.integers(len(whole) + 1))
        lines = whole.splitlines(keepends=True)
        if kind == 0:
            whole = whole[:place] + pick(random, "()[]{}'\"\\=@%/.,:#\n\t \0\x0c0aé\udcff") + whole[place:]
        elif kind == 1:
            whole = whole[:place] + whole[place + int(random.integers(1, 20)) :]
        elif kind == 2 and lines:
            lines.insert(int(random.integers(len(lines))), pick(random, lines))
            whole = "".join(lines)
        elif kind == 3 and lines:
            del lines[int(random.integers(len(lines)))]
            whole = "".join(lines)
        elif kind == 4:
            whole = whole[:place] + str(pick(random, WORDS)) + whole[place:]
        else:
            whole = whole[:place] + pick(random, ("(", "[", "{'a': ", "-", "not ")) * 3000 + whole[place:]
    return whole


def value(random: np.random.Generator, depth: int = 0) -> Any:
    """A value of JSON's kinds, often an odd one."""
    kind = int(random.integers(5 if depth > 3 else 8))
    if kind == 0:
        return pick(random, (None, True, False))
    if kind in (1, 2):
        return pick(random, NUMBERS)
    if kind in (3, 4):
        return pick(random, WORDS)
    if kind == 5:
        return {str(pick(random, WORDS)): value(random, depth + 1) for _ in range(int(random.integers(4)))}
    if kind == 6 and random.random() < 0.02:
        nested: Any = []
        for _ in range(int(pick(random, (100, 900, 5000)))):
            nested = [nested]
        return nested
    return [value(random, depth + 1) for _ in range(int(random.integers(4)))]


def tree(random: np.random.Generator, whole: Any) -> Any:
    """The JSON value with something in it replaced, removed or added; the original is left as it is."""
    if isinstance(whole, dict) and whole and random.random() < 0.85:
        key = pick(random, list(whole))
        rest = {k: v for k, v in whole.items() if k != key}
        kind = random.random()
        if kind < 0.1:
            return rest
        if kind < 0.2:
            return {**whole, str(pick(random, WORDS)): value(random)}
        return {**rest, key: tree(random, whole[key])}
    if isinstance(whole, list) and whole and random.random() < 0.7:
        place, kind = int(random.integers(len(whole))), random.random()
        if kind < 0.1:
            return whole[:place] + whole[place + 1 :]
        if kind < 0.2:
            return whole[:place] + [value(random)] + whole[place:]
        return [*whole[:place], tree(random, whole[place]), *whole[place + 1 :]]
    return value(random)


def spelled(whole: Any) -> str:
    """The value as Python and gin write it, also where it is nested too deep for `repr`."""
    try:
        return repr(whole)
    except RecursionError:
        return "[" * 5000 + "]" * 5000


def written(whole: Any) -> bytes:
    """JSON as another program might write it: NaN, lone surrogates and long numbers included."""
    return as_json(whole).encode("utf-8", "surrogatepass")


def as_json(whole: Any) -> str:
    """As `json.dumps`, but of values nested too deep for it."""
    try:
        return json.dumps(whole, ensure_ascii=False)
    except RecursionError:
        return "[" * 100_000 + "]" * 100_000
