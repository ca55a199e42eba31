"""Samplers of codes for the beta-VAE and FactorVAE scores, which encode each image once.

Both scores need batches of codes of images that share one factor. A sampler has three methods: `codes(num,
random_state)`, `fixed(...)` and `pairs(...)`. `GroundTruth` draws from data and an encoder, with the draws of
disentanglement_lib; `Points` draws among given codes.
"""

import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import draws, utils, validation

MAX_STATES = 4_000_000  # for at most so many states the codes are kept: 160 MB of 10 float32 latents
BULK = 512  # batches drawn at once
IMAGES = 1024  # images encoded at once


class EncodedStates:
    """Ground-truth data whose observations are state numbers [n], with a `representation` that looks codes up.

    The data draws the factors, so a seed draws the same factors as without this class. An image is encoded when its
    state is needed for the first time. Use `encode_once`, which checks that the codes stay the same.
    """

    def __init__(self, ground_truth_data, representation_function):
        self._data = ground_truth_data
        self._encode = representation_function
        self._sizes = tuple(int(size) for size in ground_truth_data.factors_num_values)
        self._known = np.zeros(int(np.prod(self._sizes)), dtype=bool)
        self._codes = np.empty((0, 0))
        self._place = np.empty(len(self._known), dtype=np.int32)  # scratch space of `_unknown`
        self._undrawn = np.random.RandomState(0)  # the data needs a generator but never draws from it

    def __getattr__(self, name):
        return getattr(self._data, name)

    def _unknown(self, states):
        """The `states` that are not encoded yet, each once."""
        fresh = states[~self._known[states]]
        places = np.arange(fresh.size, dtype=np.int32)
        self._place[fresh] = places  # the last of equal states remains: cheaper than sorting all
        return np.sort(fresh[self._place[fresh] == places])

    @property
    def num_encoded(self):
        """Number of encoded images."""
        return int(self._known.sum())

    def sample_factors(self, num, random_state):
        """Factors [num, factors] drawn by the data."""
        return self._data.sample_factors(num, random_state)

    def sample_observations_from_factors(self, factors, random_state):
        """State numbers [n] of `factors` [n, factors]."""
        del random_state
        factors = np.asarray(factors)
        if (factors < 0).any() or (factors >= np.array(self._sizes)).any():
            raise ValueError(f"factors: expected values from 0 to below {list(self._sizes)}, received others")
        return self.states(factors.T)

    def states(self, columns):
        """State numbers [...] of factors [factors, ...]."""
        return np.ravel_multi_index(tuple(columns), self._sizes)

    def sample(self, num, random_state):
        """Drawn factors [num, factors] and their state numbers [num]."""
        factors = self.sample_factors(num, random_state)
        return factors, self.sample_observations_from_factors(factors, random_state)

    def sample_observations(self, num, random_state):
        """State numbers [num] of drawn factors."""
        return self.sample(num, random_state)[1]

    def representation(self, states):
        """Codes [..., latents] of state numbers [...]."""
        needed = self._unknown(states)
        for start in range(0, len(needed), IMAGES):
            part = needed[start : start + IMAGES]
            factors = np.stack(np.unravel_index(part, self._sizes), axis=1)
            images = self._data.sample_observations_from_factors(factors, self._undrawn)
            codes = np.asarray(self._encode(images))
            if not len(self._codes):
                self._codes = np.empty((len(self._known), codes.shape[1]), dtype=codes.dtype)
            self._codes[part] = codes
            self._known[part] = True
        return np.take(self._codes, states, axis=0)


def encode_once(ground_truth_data, representation_function):
    """Data and representation function with the same codes that encode every image at most once.

    Both are returned unchanged if observations or encoder are not deterministic (16 of them are tried twice), if the
    data does not say how many states it has, or if there are more than 4 million states. The encoder receives other
    batches, so floats may differ in their last bits.
    """
    unchanged = ground_truth_data, representation_function
    if isinstance(ground_truth_data, EncodedStates):
        return unchanged
    sizes = getattr(ground_truth_data, "factors_num_values", None)
    if sizes is None or not 0 < np.prod([float(size) for size in sizes]) <= MAX_STATES:
        return unchanged
    random_state = np.random.RandomState(0)
    factors = ground_truth_data.sample_factors(16, random_state)
    if factors.min() < 0 or (factors >= np.array(sizes)).any():
        return unchanged
    before = _position(random_state)
    images = [ground_truth_data.sample_observations_from_factors(factors, random_state) for _ in range(2)]
    if _position(random_state) != before or not np.array_equal(*images):
        return unchanged
    if not np.array_equal(representation_function(images[0]), representation_function(images[1])):
        return unchanged
    states = EncodedStates(ground_truth_data, representation_function)
    return states, states.representation


def _position(random_state):
    """Position of a generator, which changes with every draw."""
    state = random_state.get_state(legacy=False)["state"]
    return state["pos"], state["key"].tobytes()


class GroundTruth:
    """Samples codes from ground-truth data by an encoder, with the draws of disentanglement_lib."""

    def __init__(self, ground_truth_data, representation_function):
        self._data, self._encode = encode_once(ground_truth_data, representation_function)
        self._bulk = BULK if isinstance(self._data, EncodedStates) else 1
        self._independent = self._bulk > 1 and _draws_independently(self._data)

    @property
    def num_factors(self):
        """Number of factors."""
        return self._data.num_factors

    def codes(self, num, random_state):
        """Codes [num, latents] of drawn observations."""
        observations = self._data.sample_observations(num, random_state)
        batch_size = 64 if self._bulk == 1 else len(observations)
        return utils.obtain_representation(observations, self._encode, batch_size).T

    def fixed(self, num_batches, batch_size, random_state):
        """Yields (factors [b], codes [b, batch_size, latents]): each batch shares one value of its factor."""
        for shared, (factors,) in self._draws(num_batches, 1, batch_size, random_state):
            batches = np.arange(len(shared))
            factors[shared, batches] = factors[shared, batches, :1]
            yield shared, self._codes(self._images(factors, random_state), factors.shape[1:])

    def pairs(self, num_batches, batch_size, random_state):
        """Yields (factors [b], two codes [b, batch_size, latents]): rows of the two share their factor's value."""
        for shared, (first, second) in self._draws(num_batches, 2, batch_size, random_state):
            batches = np.arange(len(shared))
            second[shared, batches] = first[shared, batches]
            images = [self._images(factors, random_state) for factors in (first, second)]
            yield shared, *(self._codes(x, first.shape[1:]) for x in images)

    def _draws(self, num_batches, num_sets, batch_size, random_state):
        """Yields (factors to share [b], sets of factors [factors, b, batch_size]) in the original's order of draws."""
        sizes = list(self._data.factors_num_values) if self._independent else []
        dtype = np.uint8 if max(sizes, default=256) < 256 else np.int64
        for start in range(0, num_batches, self._bulk):
            num = min(self._bulk, num_batches - start)
            if self._independent and isinstance(random_state._bit_generator, np.random.MT19937):
                counts = [1] + [batch_size] * len(sizes) * num_sets
                drawn = draws.randints(random_state, [self.num_factors] + sizes * num_sets, counts, num, dtype)
                sets = [drawn[1 + i * len(sizes) : 1 + (i + 1) * len(sizes)] for i in range(num_sets)]
                yield drawn[0][:, 0].astype(np.int64), [np.stack(factors) for factors in sets]
            else:
                shared, sets = [], []
                for _ in range(num):
                    shared.append(random_state.randint(self.num_factors))
                    sets.append([self._data.sample_factors(batch_size, random_state) for _ in range(num_sets)])
                yield np.array(shared), [np.stack(factors).transpose(2, 0, 1) for factors in zip(*sets, strict=True)]

    def _images(self, factors, random_state):
        """Observations [b * batch_size, ...] of factors [factors, b, batch_size]."""
        if self._independent:
            return self._data.states(factors.reshape(len(factors), -1))
        table = np.ascontiguousarray(factors.reshape(len(factors), -1).T)
        return self._data.sample_observations_from_factors(table, random_state)

    def _codes(self, images, shape):
        return np.asarray(self._encode(images)).reshape(*shape, -1)


def _draws_independently(data):
    """Whether `data` draws each factor by one call of randint, in order."""
    ours, theirs = np.random.RandomState(1), np.random.RandomState(1)
    drawn = draws.randints(ours, list(data.factors_num_values), [7] * data.num_factors, 1)
    return np.array_equal(np.concatenate(drawn).T, data.sample_factors(7, theirs)) and (
        _position(ours) == _position(theirs)
    )


class Points:
    """Samples given codes with replacement, for representations without an encoder.

    A batch that shares a factor's value is drawn from the points with the value of a random point; the other factors
    are distributed as among these points.

    Args:
        codes: [n, latents].
        factors: [n, factors], discrete.
    """

    def __init__(self, codes, factors):
        self._codes = validation.check_codes(codes)
        self._factors = validation.check_factors(factors, len(self._codes))
        self._groups = []
        for column in self._factors.T:
            _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
            starts = np.cumsum(counts) - counts
            self._groups.append((np.argsort(inverse, kind="stable"), starts[inverse], counts[inverse]))

    @property
    def num_factors(self):
        """Number of factors."""
        return self._factors.shape[1]

    def codes(self, num, random_state):
        """Codes [num, latents] of random points."""
        return self._codes[random_state.randint(len(self._codes), size=num)]

    def fixed(self, num_batches, batch_size, random_state):
        """As `GroundTruth.fixed`."""
        for factor in random_state.randint(self.num_factors, size=num_batches):
            point = np.full(batch_size, random_state.randint(len(self._codes)))
            yield np.array([factor]), self._codes[self._partners(factor, point, random_state)][None]

    def pairs(self, num_batches, batch_size, random_state):
        """As `GroundTruth.pairs`."""
        for factor in random_state.randint(self.num_factors, size=num_batches):
            points = random_state.randint(len(self._codes), size=batch_size)
            partners = self._partners(factor, points, random_state)
            yield np.array([factor]), self._codes[points][None], self._codes[partners][None]

    def _partners(self, factor, points, random_state):
        """A random point with the same value of `factor` for each point."""
        order, starts, counts = self._groups[factor]
        return order[starts[points] + (random_state.random_sample(len(points)) * counts[points]).astype(np.int64)]
