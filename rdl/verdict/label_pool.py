"""The label pool: the cleanest latent for each factor, out of all models that a run has trained.

No single model of a population has every factor in a latent of its own, but each factor is often clean in some model.
The pool takes one latent for each factor, from any of the models, by evidence that needs no labels:

- discreteness: the values of one factor lie on plateaus, the values of a mixture do not;
- dependence: the latent shares little mutual information with the other latents of its own model (a factor that is
  split over two latents shares much, a factor that runs round a circle included). It is not asked of latents on clear
  plateaus: they are one factor even where other latents carry it too;
- replication: latents of other models order the images in the same way. It is asked only of latents without plateaus,
  as a factor that only one model has separated from the others is replicated by none.
"""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import gin
import numpy as np
from scipy import stats

from rdl.runs.typed import typed
from rdl.verdict import shares
from rdl.verdict.dependence import equal_count_bins, mutual_information, pairwise_information
from rdl.verdict.discreteness import discreteness
from rdl.verdict.evidence import Codes


@dataclass(frozen=True)
class LabelSource:
    """The latent that a label comes from.

    Attributes:
      stage: the population's stage, such as ``x_run``.
      member: the member's name within the stage.
      model: the number of the VAE within the member.
      latent: the number of the latent.
    """

    stage: str
    member: str
    model: int
    latent: int

    def __str__(self) -> str:
        return f"{self.stage}/{self.member} model {self.model} z{self.latent}"


@dataclass(frozen=True)
class PooledLabel:
    """One label of the pool: the latent that it comes from and the evidence that this latent is one factor.

    Attributes:
      source: the latent.
      kl: mean KL to the prior, nats.
      discreteness: of its values, nats (`rdl.verdict.discreteness`).
      dependence: largest mutual information with another latent of its own model, nats.
      replication: second-best share of its variance that a latent of another model explains, corrected for chance;
        None where there is no other model.
      alternate: a latent of another lineage that carries the same factor, to judge models that were trained on the
        first; None where there is none.
    """

    source: LabelSource
    kl: float
    discreteness: float
    dependence: float
    replication: float | None
    alternate: LabelSource | None = None

    @property
    def judge(self) -> LabelSource:
        """The latent whose values judge a model that was trained on the label."""
        return self.alternate or self.source

    def to_json(self) -> dict[str, Any]:
        """The label as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "PooledLabel":
        """The inverse of `to_json`.

        Raises:
          UserError: the content is no label.
        """
        return typed(cls, content)

    def __str__(self) -> str:
        parts = [f"KL {self.kl:.2f}", f"discreteness {self.discreteness:.2f}", f"dependence {self.dependence:.2f}"]
        parts += [] if self.replication is None else [f"replication {self.replication:.2f}"]
        return f"{self.source} ({', '.join(parts)})"


@dataclass(frozen=True)
class Candidate:
    """A latent that may become a label.

    Attributes:
      label: its source and evidence.
      values: its posterior means on the points where labels are compared, [points].
      lineage: identifies the weights from which its model descends.
    """

    label: PooledLabel
    values: np.ndarray
    lineage: Hashable


@gin.configurable
@dataclass(frozen=True)
class PoolRules:
    """Thresholds of the label pool, chosen on two sets and tested on others (docs/evidence.md).

    Attributes:
      min_kl: nats; latents of less encode too little of a factor to be its label.
      clearly_discrete: nats; a latent of at least this discreteness is one factor at any dependence: other latents
        of its model may carry the factor too.
      discrete: nats; a latent of at least this discreteness is one factor if its dependence is low.
      dependence: nats; a less discrete latent that shares more with another latent of its model is split or rotated.
      replication: a latent without plateaus is one factor if it is replicated at least this well ..
      continuous_dependence: .. and shares no more than this, in nats, with another latent of its model.
      duplicate: a candidate that shares at least this part of the smaller KL with a label carries the same factor.
      overlap: a candidate that shares at least this part of its KL with a label is no new factor, but a mixture.
    """

    min_kl: float = 0.5
    clearly_discrete: float = 0.2
    discrete: float = 0.1
    dependence: float = 0.15
    replication: float = 0.9
    continuous_dependence: float = 0.11
    duplicate: float = 0.25
    overlap: float = 0.1


def find_candidates(
    stage: str, models: Sequence[tuple[str, int]], lineages: Sequence[Hashable], codes: Sequence[Codes], seed: int
) -> list[Candidate]:
    """All active latents of a stage's models with their evidence.

    Args:
      stage: the stage's name.
      models: (member, number of the VAE) of each model.
      lineages: models of one lineage descend from the same weights, so that they do not replicate each other.
      codes: posterior of each model on the images of the stage, in the same order.
      seed: of the chance correction.
    """
    compared = [each.compared() for each in codes]
    found = []
    for own, ((member, model), code) in enumerate(zip(models, codes, strict=True)):
        live = code.live.tolist()
        shared = pairwise_information(code.means[:, live])
        others = [compared[i] for i, lineage in enumerate(lineages) if lineage != lineages[own]]
        replicated = _replication(compared[own], others, seed)
        for place, latent in enumerate(live):
            label = PooledLabel(
                LabelSource(stage, member, model, latent),
                float(code.kl[latent]),
                discreteness(code.means[:, latent]),
                float(shared[place].max(initial=0.0)),
                None if replicated is None else float(replicated[place]),
            )
            found.append(Candidate(label, code.means[:, latent].astype(np.float32), lineages[own]))
    return found


def _replication(own: np.ndarray, others: Sequence[np.ndarray], seed: int) -> np.ndarray | None:
    """Second-best replication of each latent of a model in other models, or the best where there is only one."""
    if not others:
        return None
    found = [shares.by_best(shares.by_one(own, other), own, other, seed) for other in others]
    return np.sort(found, axis=0)[-min(2, len(found))]


def is_one_factor(label: PooledLabel, rules: PoolRules) -> bool:
    """Whether the evidence says that the latent carries one factor."""
    if label.kl < rules.min_kl:
        return False
    if label.discreteness >= rules.clearly_discrete:
        return True
    if label.dependence > rules.dependence:
        return False
    if label.discreteness >= rules.discrete:
        return True
    replicated = label.replication is not None and label.replication >= rules.replication
    return replicated and label.dependence <= rules.continuous_dependence


def select_labels(
    candidates: Sequence[Candidate], known: np.ndarray, known_kl: Sequence[float], rules: PoolRules
) -> list[PooledLabel]:
    """Selects the best-supported latent of every factor that the pool does not have yet.

    A candidate that shares much of its information with a label carries the same factor again; one that shares some
    of it mixes that factor with another. Neither is selected.

    Args:
      candidates: the latents of a stage.
      known: the pool's labels on the same points, [points, labels].
      known_kl: KL of the pool's labels, nats, [labels].
      rules: the thresholds.

    Returns:
      The new labels, the best supported first.
    """
    columns, limits = [*known.T], [*known_kl]
    selected: list[PooledLabel] = []
    lineages: list[Hashable] = []
    supported = [candidate for candidate in candidates if is_one_factor(candidate.label, rules)]
    for candidate in sorted(supported, key=lambda each: _rank(each.label, rules)):
        label = candidate.label
        shared = [_shared_information(candidate.values, column) for column in columns]
        if not any(nats >= rules.overlap * label.kl for nats in shared):
            selected.append(label)
            lineages.append(candidate.lineage)
            columns.append(candidate.values)
            limits.append(label.kl)
            continue
        same = int(np.argmax(shared))
        number = same - known.shape[1]
        if number < 0 or shared[same] < rules.duplicate * min(label.kl, limits[same]):
            continue
        first = selected[number]
        if first.alternate is None and lineages[number] != candidate.lineage:
            selected[number] = replace(first, alternate=label.source)
    return selected


def _rank(label: PooledLabel, rules: PoolRules) -> tuple[bool, float]:
    """Sort key: latents on plateaus first, the most discrete first; then the best replicated."""
    discrete = label.discreteness >= rules.discrete
    return not discrete, -(label.discreteness if discrete else label.replication or 0.0)


def _shared_information(values: np.ndarray, label: np.ndarray) -> float:
    """Mutual information of a candidate and a label, in nats."""
    return mutual_information(equal_count_bins(values), equal_count_bins(label))


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Labels on the scale of the prior: each column's ranks as quantiles of a standard normal distribution.

    Args:
      values: [images, labels], NaN where an image does not carry the label.

    Returns:
      float32 of the same shape.
    """
    scores = np.full(values.shape, np.nan, np.float32)
    for number, column in enumerate(values.T):
        known = np.isfinite(column)
        scores[known, number] = stats.norm.ppf(stats.rankdata(column[known]) / (known.sum() + 1))
    return scores
