"""Many draws of `RandomState.randint` at once, number for number.

disentanglement_lib draws each factor of each batch by one call of `randint(high, size=n)`. Such a call takes 32-bit
words from the generator, keeps the low bits that `high - 1` has and skips what is not below `high`. Which words a call
starts at depends on how many were skipped before, but all of it is a walk over positions in one array of words.
"""

import numpy as np


def randints(random_state, highs, counts, num_rounds):
    """What `num_rounds` rounds of `[random_state.randint(h, size=n) for h, n in zip(highs, counts)]` return.

    The generator ends where those calls would have left it.

    Args:
        random_state: np.random.RandomState.
        highs: upper bounds, at least 1 and at most 2^31, one a call.
        counts: numbers that a call draws.
        num_rounds: how often the list of calls is repeated.

    Returns:
        One int64 array [num_rounds, count] a call.
    """
    highs = [int(high) for high in highs]
    masks = [(1 << (high - 1).bit_length()) - 1 for high in highs]
    words_per_round = sum(n * (mask + 1) / high for high, mask, n in zip(highs, masks, counts, strict=True) if mask)
    state = random_state.get_state()
    num_words = int(num_rounds * words_per_round * 1.02) + 1000
    while True:
        words = random_state._bit_generator.random_raw(num_words).astype(np.uint32)
        random_state.set_state(state)
        walk = _walk(words, highs, masks, counts, num_rounds)
        if walk is not None:
            break
        num_words *= 2
    starts, accepted, end = walk
    random_state._bit_generator.random_raw(end, output=False)
    results, values = [], {}
    for call, (high, mask, count) in enumerate(zip(highs, masks, counts, strict=True)):
        if not mask:  # nothing is drawn for one value
            results.append(np.zeros((num_rounds, count), dtype=np.int64))
            continue
        if high not in values:
            kept = words[accepted[high]] if high in accepted else words
            values[high] = (kept & np.uint32(mask)).astype(np.int64)
        runs = np.lib.stride_tricks.sliding_window_view(values[high], count)
        results.append(runs[starts[:, call]])
    return results


def _walk(words, highs, masks, counts, num_rounds):
    """Where each call starts among the words it accepts [rounds, calls], those words' places, and the end.

    A call with a power of 2 accepts every word: its places are not listed. None where the words do not reach.
    """
    accepted, before = {}, {}
    for high, mask in zip(highs, masks, strict=True):
        if mask + 1 > high and high not in accepted:
            keeps = (words & np.uint32(mask)) < high
            accepted[high] = np.flatnonzero(keeps).astype(np.int32)
            before[high] = np.cumsum(keeps, dtype=np.int32) - keeps  # how many accepted words lie before each word
    # views: their items are Python's own numbers, several times faster to walk with than numpy's
    calls: list[tuple] = [
        (accepted[high].data, before[high].data, count) if high in accepted else (None, None, count)
        for high, count in zip(highs, counts, strict=True)
        if high > 1
    ]
    path: list[int] = []
    place = 0
    try:
        for _ in range(num_rounds):
            for places, earlier, count in calls:
                if places is None:
                    path.append(place)
                    place += count
                else:
                    first = earlier[place]
                    path.append(first)
                    place = places[first + count - 1] + 1
    except IndexError:
        return None
    if place > len(words):
        return None
    starts = np.zeros((num_rounds, len(highs)), dtype=np.int32)
    starts[:, np.array(highs) > 1] = np.reshape(path, (num_rounds, len(calls)))
    return starts, accepted, place
