"""Leaf MIG against a direct computation, and on latents with a known result."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from rdl.errors import NonFiniteError, UserError
from rdl.recursion import LeafLabels
from rdl.scoring import leaf_mig


def leaf_of(*iterations):
    leaf = LeafLabels()
    for indices, labels in iterations:
        leaf = leaf.add(indices, labels)
    return leaf


@pytest.fixture
def leaves():
    """Two leaf runs that share iteration 0; later ones cover fewer images."""
    generator = np.random.default_rng(0)
    first = generator.standard_normal((400, 2))
    few = np.sort(generator.choice(400, 60, replace=False))
    fewer = few[::3]
    other = np.arange(100, 150)
    return [
        leaf_of(
            (np.arange(400), first),
            (few, generator.standard_normal((60, 1))),
            (fewer, generator.standard_normal((20, 2))),
        ),
        leaf_of((np.arange(400), first), (other, generator.standard_normal((50, 1)))),
    ]


def direct(means, leaf):
    """Each column separately, by numpy's histogram and scikit-learn's mutual information."""

    def bins(x):
        return np.digitize(x, np.histogram(x, 20)[1][:-1])

    gaps = []
    for indices, labels in zip(leaf.indices, leaf.labels, strict=True):
        for column in labels.T:
            column = bins(column)
            information = sorted(mutual_info_score(bins(z), column) for z in means[indices].T)
            gaps.append((information[-1] - information[-2]) / mutual_info_score(column, column))
    return gaps


def test_score_is_the_median_over_leaf_runs_of_the_mean_gap(leaves):
    means = np.random.default_rng(1).standard_normal((400, 5)).astype(np.float32)
    means[:, 3] += 2 * leaves[0].labels[0][:, 1]
    result = leaf_mig.compute_leaf_mig(means, leaves)
    for gaps, per_leaf, leaf in zip(result["per_column"], result["per_leaf"], leaves, strict=True):
        assert [len(columns) for columns in gaps] == [labels.shape[1] for labels in leaf.labels]
        expected = direct(means, leaf)
        np.testing.assert_allclose(np.concatenate(gaps), expected, rtol=1e-9)
        assert per_leaf == pytest.approx(np.mean(expected))
    assert result["leaf_mig"] == pytest.approx(np.median(result["per_leaf"]))
    assert result["latents"][0][0][1] == 3


def test_latents_equal_to_the_labels_score_one_minus_the_noise():
    generator = np.random.default_rng(0)
    factors = generator.permutation(np.stack(np.meshgrid(*[np.arange(20.0)] * 2), -1).reshape(-1, 2).repeat(5, 0))
    leaf = leaf_of((np.arange(2000), factors))
    assert leaf_mig.compute_leaf_mig(np.column_stack([factors[:, ::-1], np.zeros(2000)]), [leaf])[
        "leaf_mig"
    ] == pytest.approx(1)
    rotated = factors @ [[1, 1], [1, -1]]
    assert leaf_mig.compute_leaf_mig(rotated, [leaf])["leaf_mig"] < 0.2
    twice = factors[:, [0, 0, 1, 1]]
    assert leaf_mig.compute_leaf_mig(twice, [leaf])["leaf_mig"] == pytest.approx(0)


def test_bins_span_the_images_of_the_iteration():
    """A latent that varies only while earlier factors are fixed is measured there with full resolution."""
    means = np.zeros((400, 2))
    means[:200, 0] = np.linspace(0, 1e-3, 200)
    means[200:, 0] = 5.0
    means[:, 1] = np.random.default_rng(0).standard_normal(400)
    labels = np.arange(400.0)[:, None]
    leaf = LeafLabels((np.arange(200),), (labels[:200].astype(np.float32),))
    assert leaf_mig.compute_leaf_mig(means, [leaf])["leaf_mig"] == pytest.approx(0.73, abs=0.005)


def test_median_over_leaf_runs():
    generator = np.random.default_rng(0)
    good, bad = generator.standard_normal((2, 300, 1))
    means = np.column_stack([good, generator.standard_normal(300)])
    leaves = [leaf_of((np.arange(300), column)) for column in (good, bad, good)]
    result = leaf_mig.compute_leaf_mig(means, leaves)
    assert result["leaf_mig"] == result["per_leaf"][0] > 0.7 > result["per_leaf"][1]


def test_leaf_runs_without_labels_are_left_out(leaves):
    means = np.random.default_rng(1).standard_normal((400, 3))
    assert leaf_mig.compute_leaf_mig(means, [*leaves, LeafLabels()]) == leaf_mig.compute_leaf_mig(means, leaves)
    with pytest.raises(UserError, match="at least one leaf run"):
        leaf_mig.compute_leaf_mig(means, [LeafLabels()])


def test_only_the_images_of_the_labels_are_needed(leaves):
    means = np.random.default_rng(1).standard_normal((400, 3))
    sampled, images = leaf_mig.sample(leaves, 1000, seed=0)
    np.testing.assert_array_equal(images, np.arange(400))
    assert leaf_mig.compute_leaf_mig(means[images], sampled, images) == leaf_mig.compute_leaf_mig(means, leaves)

    sampled, images = leaf_mig.sample(leaves, 30, seed=0)
    assert [len(indices) for indices in sampled[0].indices] == [30, 30, 20]
    np.testing.assert_array_equal(sampled[0].indices[0], sampled[1].indices[0])
    np.testing.assert_array_equal(leaves[0].labels[0][sampled[0].indices[0]], sampled[0].labels[0])
    assert leaf_mig.compute_leaf_mig(means[images], sampled, images) == leaf_mig.compute_leaf_mig(means, sampled)
    again, _ = leaf_mig.sample(leaves, 30, seed=0)
    np.testing.assert_array_equal(again[0].indices[1], sampled[0].indices[1])


def test_a_label_with_all_images_in_one_bin_has_gap_0():
    leaf = LeafLabels((np.arange(10),), (np.zeros((10, 1), np.float32),))
    assert leaf_mig.compute_leaf_mig(np.random.default_rng(0).standard_normal((10, 2)), [leaf])["leaf_mig"] == 0.0


def test_bins_are_independent_of_the_configured_discretizer(leaves):
    import gin

    from third_party.disentanglement_lib.evaluation.metrics import utils

    means = np.random.default_rng(1).standard_normal((400, 3))
    expected = leaf_mig.compute_leaf_mig(means, leaves)
    gin.parse_config("discretizer.num_bins = 5\ndiscretizer.discretizer_fn = @rank_discretizer")
    assert utils.make_discretizer(means.T).max() == 5
    assert leaf_mig.compute_leaf_mig(means, leaves) == expected
    gin.bind_parameter("leaf_mig.num_bins", 5)
    assert leaf_mig.compute_leaf_mig(means, leaves) != expected


def test_bad_input_is_refused(leaves):
    means = np.random.default_rng(1).standard_normal((400, 3))
    with pytest.raises(UserError, match="means of image 399"):
        leaf_mig.compute_leaf_mig(means[:399], leaves)
    with pytest.raises(UserError, match="means of image 0"):
        leaf_mig.compute_leaf_mig(means[1:], leaves, np.arange(1, 400))
    with pytest.raises(UserError, match="two latents"):
        leaf_mig.compute_leaf_mig(means[:, :1], leaves)
    means[7, 1] = np.nan
    with pytest.raises(NonFiniteError, match="1 posterior means"):
        leaf_mig.compute_leaf_mig(means, leaves)


@pytest.fixture
def unequal():
    """Columns with known gaps: 1 on 400 images, 0 on 100 of them, and 1 on the same 100, marked as a repeat."""
    factors = np.stack([np.arange(400) % 20, np.arange(400) // 20 % 20], axis=1).astype(float)
    few = np.arange(100) * 4 + 1
    noise = np.random.default_rng(0).standard_normal(400)
    means = np.stack([factors[:, 0], noise, noise], axis=1)
    leaf = LeafLabels().add(np.arange(400), factors[:, [0]])
    leaf = leaf.add(few, np.stack([noise[few], factors[few, 0]], axis=1), [False, True])
    gap = leaf_mig.compute_leaf_mig(means, [leaf])["per_column"][0]
    assert gap[1][0] == pytest.approx(0)
    return means, leaf, (gap[0][0], gap[1][1])


def test_columns_have_equal_weights_or_weights_by_their_images(unequal):
    means, leaf, (on_all, on_few) = unequal
    assert leaf_mig.compute_leaf_mig(means, [leaf])["leaf_mig"] == pytest.approx((on_all + 0 + on_few) / 3)
    by_images = leaf_mig.compute_leaf_mig(means, [leaf], weights="images")["leaf_mig"]
    assert by_images == pytest.approx((400 * on_all + 100 * 0 + 100 * on_few) / 600)


def test_repeated_labels_count_every_time_or_once(unequal):
    means, leaf, (on_all, on_few) = unequal
    assert leaf_mig.compute_leaf_mig(means, [leaf], repeats="once")["leaf_mig"] == pytest.approx((on_all + 0) / 2)
    both = leaf_mig.compute_leaf_mig(means, [leaf], repeats="once", weights="images")["leaf_mig"]
    assert both == pytest.approx((400 * on_all + 100 * 0) / 500)
    sampled, images = leaf_mig.sample([leaf], 50, seed=0)
    once = leaf_mig.compute_leaf_mig(means[images], sampled, images, repeats="once")
    assert once["leaf_mig"] == pytest.approx((once["per_column"][0][0][0] + once["per_column"][0][1][0]) / 2)


@pytest.mark.parametrize("options", [{"weights": "labels"}, {"repeats": "twice"}])
def test_unknown_option_values_are_refused(unequal, options):
    with pytest.raises(UserError, match=next(iter(options.values()))):
        leaf_mig.compute_leaf_mig(unequal[0], [unequal[1]], **options)
