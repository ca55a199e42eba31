"""Many draws of `RandomState.randint` at once, with identical numbers.

disentanglement_lib draws each factor of each batch by one call of `randint(high, size=n)`. Such a call takes 32-bit
words from the generator, keeps as many low bits as `high - 1` has and rejects numbers that are not below `high`. The
first word of a call depends on the number of rejections before it, so the calls are a walk over one array of words.

A seed has to draw the same numbers as in the original, and one call per factor and batch is slower: slightly if calls
draw 64 numbers for ten factors, several times if they draw few.
"""

import numpy as np


def randints(random_state, highs, counts, num_rounds, dtype=np.int64):
    """The results of `num_rounds` rounds of `[random_state.randint(h, size=n) for h, n in zip(highs, counts)]`.

    The generator's final state is the same as after those calls.

    Args:
        random_state: np.random.RandomState of a Mersenne twister.
        highs: upper bounds, at least 1 and at most 2^31, one for each call.
        counts: how many numbers each call draws, at least 1.
        num_rounds: number of repetitions of the list of calls.
        dtype: of the numbers; large enough for them.

    Returns:
        One array [num_rounds, count] for each call.
    """
    highs = [int(high) for high in highs]
    masks = [(1 << (high - 1).bit_length()) - 1 for high in highs]
    words_per_round = sum(n * (mask + 1) / high for high, mask, n in zip(highs, masks, counts, strict=True) if mask)
    state = random_state.get_state()
    num_words = int(num_rounds * words_per_round * 1.02) + 1000
    low_bits = np.uint8 if max(masks) < 256 else np.uint32  # the part of a word that any call reads
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
        if not mask:  # a single value needs no draw
            results.append(np.zeros((num_rounds, count), dtype=dtype))
            continue
        runs = np.lib.stride_tricks.sliding_window_view(accepted.get(high, words), count)[starts[:, call]]
        kept = words[runs] if high in accepted else runs
        results.append((kept & low_bits(mask)).astype(dtype))
    return results


def _walk(words, highs, masks, counts, num_rounds):
    """The start of each call among the words it accepts [rounds, calls], the positions of these words, and the end.

    A call with a power of 2 accepts every word, and a call for a single number searches word by word: their starts are
    positions among all words. None if there are too few words.
    """
    accepted, flags = {}, {}
    for high, mask, count in zip(highs, masks, counts, strict=True):
        if mask + 1 > high and count > 1 and high not in accepted:
            keeps = (words & words.dtype.type(mask)) < high
            accepted[high], flags[high] = np.flatnonzero(keeps), keeps.tobytes()
    # memory views: their items are Python integers, several times faster in a loop than numpy's
    calls: list[tuple] = [
        (accepted[high].data if high in accepted else None, flags.get(high), high, mask, count)
        for high, mask, count in zip(highs, masks, counts, strict=True)
        if mask
    ]
    word = words.data
    reached = dict.fromkeys(accepted, (0, 0))  # number of accepted words before a position, as far as counted
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
