"""Many draws of `RandomState.randint` at once, number for number.

disentanglement_lib draws each factor of each batch by one call of `randint(high, size=n)`. Such a call takes 32-bit
words from the generator, keeps the low bits that `high - 1` has and skips what is not below `high`. Which words a call
starts at depends on how many were skipped before, but all of it is a walk over positions in one array of words.

Kept, since a seed has to draw what it draws in the original, and a call each costs more: little more where calls draw
64 numbers for ten factors, several times as much where they draw few.
"""

import numpy as np


def randints(random_state, highs, counts, num_rounds, dtype=np.int64):
    """What `num_rounds` rounds of `[random_state.randint(h, size=n) for h, n in zip(highs, counts)]` return.

    The generator ends where those calls would have left it.

    Args:
        random_state: np.random.RandomState of a Mersenne twister.
        highs: upper bounds, at least 1 and at most 2^31, one a call.
        counts: numbers that a call draws, at least 1.
        num_rounds: how often the list of calls is repeated.
        dtype: of the numbers; one that holds them.

    Returns:
        One array [num_rounds, count] a call.
    """
    highs = [int(high) for high in highs]
    masks = [(1 << (high - 1).bit_length()) - 1 for high in highs]
    words_per_round = sum(n * (mask + 1) / high for high, mask, n in zip(highs, masks, counts, strict=True) if mask)
    state = random_state.get_state()
    num_words = int(num_rounds * words_per_round * 1.02) + 1000
    low_bits = np.uint8 if max(masks) < 256 else np.uint32  # of a word, all that any call looks at
    while True:
        words = random_state._bit_generator.random_raw(num_words).astype(low_bits)
        random_state.set_state(state)
        walk = _walk(words, highs, masks, counts, num_rounds)
        if walk is not None:
            break
        num_words *= 2
    starts, accepted, end = walk
    random_state._bit_generator.random_raw(end, output=False)
    results = []
    for call, (high, mask, count) in enumerate(zip(highs, masks, counts, strict=True)):
        if not mask:  # nothing is drawn for one value
            results.append(np.zeros((num_rounds, count), dtype=dtype))
            continue
        runs = np.lib.stride_tricks.sliding_window_view(accepted.get(high, words), count)[starts[:, call]]
        kept = words[runs] if high in accepted else runs
        results.append((kept & low_bits(mask)).astype(dtype))
    return results


def _walk(words, highs, masks, counts, num_rounds):
    """Where each call starts among the words it accepts [rounds, calls], those words' places, and the end.

    A call with a power of 2 accepts every word, and one that draws a single number looks for it word by word: their
    starts are places among all words. None where the words do not reach.
    """
    accepted, flags = {}, {}
    for high, mask, count in zip(highs, masks, counts, strict=True):
        if mask + 1 > high and count > 1 and high not in accepted:
            keeps = (words & words.dtype.type(mask)) < high
            accepted[high], flags[high] = np.flatnonzero(keeps), keeps.tobytes()
    # views: their items are Python's own numbers, several times faster to walk with than numpy's
    calls: list[tuple] = [
        (accepted[high].data if high in accepted else None, flags.get(high), high, mask, count)
        for high, mask, count in zip(highs, masks, counts, strict=True)
        if mask
    ]
    word = words.data
    reached = dict.fromkeys(accepted, (0, 0))  # how many accepted words lie before which place, as far as counted
    path: list[int] = []
    place = 0
    try:
        for _ in range(num_rounds):
            for places, kept, high, mask, count in calls:
                if places is not None:
                    first, before = reached[high]
                    first += kept.count(1, before, place)
                    path.append(first)
                    place = places[first + count - 1] + 1
                    reached[high] = first + count, place
                else:
                    if count == 1:
                        while word[place] & mask >= high:
                            place += 1
                    path.append(place)
                    place += count
    except IndexError:
        return None
    if place > len(words):
        return None
    starts = np.zeros((num_rounds, len(highs)), dtype=np.int64)
    starts[:, np.array(highs) > 1] = np.reshape(path, (num_rounds, len(calls)))
    return starts, accepted, place
