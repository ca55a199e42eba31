"""A stage with real training: the points of its scores, its selected member, its checkpoints and its verdict."""

import dataclasses

import gin
import numpy as np
import pytest

from rdl import training
from rdl.callbacks.callback import Callback
from rdl.cli import configure
from rdl.errors import UserError
from rdl.execution import SerialExecutor
from rdl.jobs.context import Context
from rdl.jobs.judge import judge_model
from rdl.jobs.learner import MemberModel, MemberTask
from rdl.jobs.search import search
from rdl.jobs.stage import StageSpec, score_seed, train_population
from rdl.jobs.vae_learner import VAELearner
from rdl.population import Member, SearchSpace, evolution
from rdl.population.search_space import Dimension
from rdl.runs import RunDirectory
from rdl.runs.keys import VerdictKey
from rdl.scoring import DCIScore, FewLabelsMIGScore, MIGScore, RandomScore, Scored, UDRScore
from rdl.verdict import Verdict
from tests.run_configs import write_config
from tests.small_models import BATCHES_OF_16, SMALL_VAE, small_sprites

configure()

CONFIG = f"""
{SMALL_VAE}
{BATCHES_OF_16}
population.size = 2
population.models = 2
population.images = 32
population.generations = 3
population.until_converged = False
UDRScore.points = 16
MIGScore.points = 16
"""


@pytest.fixture(autouse=True)
def _small_models():
    gin.parse_config(CONFIG)


@pytest.fixture
def context(tmp_path):
    images = small_sprites()
    with RunDirectory(tmp_path / "run") as run:
        yield Context(run, 7, images, VAELearner.from_gin(), SerialExecutor(), Callback())


@dataclasses.dataclass
class ByGeneration:
    """A score with a given value for each generation of two members; records its seeds."""

    scores: tuple[float, ...]

    def __post_init__(self):
        self.seeds = []

    def __call__(self, encode, images, seed):
        score = self.scores[min(len(self.seeds) // 2, 2)]  # later calls train a lost member again
        self.seeds.append(seed)
        encode(np.arange(4))
        return Scored(score, [score - 0.1, score + 0.1], [[1.0, 0.0, 0.0]] * 2, {"active_latents": [1, 2]})


@pytest.mark.parametrize("score", [UDRScore, MIGScore, lambda: None])
def test_a_stage_scores_all_members_and_generations_on_the_same_points(context, monkeypatch, score):
    points, encode = [], training.posterior_parameters

    def record_points(model, images, indices=None):
        points.append(tuple(indices))
        return encode(model, images, indices)

    monkeypatch.setattr(training, "posterior_parameters", record_points)
    train_population(context, StageSpec("one", "one", context.images, score()))
    assert len(points) == 6
    assert len(set(points)) == 1
    if score() is None:
        return  # a training loss is scored on all images, as there are few
    train_population(context, StageSpec("two", "two", context.images, score()))
    assert len(points) == 12
    assert len(set(points)) == 2  # another stage has other points


def test_the_score_seed_depends_on_the_run_seed_and_the_stage(context):
    seeds = []
    for changed, stage in ((context, "one"), (dataclasses.replace(context, seed=8), "two"), (context, "three")):
        score = ByGeneration((0.5, 0.4, 0.3))
        train_population(changed, StageSpec(stage, stage, context.images, score))
        assert set(score.seeds) == {score_seed(changed.seed, stage)}
        seeds.append(score.seeds[0])
    assert len(set(seeds)) == 3
    assert score_seed(7, "two") != seeds[1]


def test_the_best_member_of_all_generations_is_selected_and_only_its_checkpoint_kept(context):
    score = ByGeneration((0.3, 0.5, 0.4))
    stage = train_population(context, StageSpec("one", "one", context.images, score))
    assert (stage.best.generation, stage.best.score, stage.trained.model) == (1, 0.5, 1)
    assert stage.num_images == 64
    assert stage.selection("final") == {"final.generation": 1, "final.active_latents": 1.5}
    path = context.run.paths.checkpoint("one", stage.best.name)
    assert list((context.run.root / "one" / "members").rglob("*.npz")) == [path]
    means, _ = stage.encode(context.images)
    train_population(context, StageSpec("one", "one", context.images, score))
    assert len(score.seeds) == 6
    path.unlink()
    again = train_population(
        context, StageSpec("one", "one", context.images, score)
    )  # trained again from its ancestors
    assert list((context.run.root / "one" / "members").rglob("*.npz")) == [path]
    np.testing.assert_array_equal(again.encode(context.images)[0], means)


@pytest.mark.parametrize("comparable", [True, False])
def test_training_losses_and_ladders_select_from_the_last_generation(context, comparable):
    score = None if comparable else ByGeneration((0.5, 0.4, 0.3))
    stage = train_population(context, StageSpec("one", "one", context.images, score, scores_comparable=comparable))
    assert stage.best.generation == 2
    assert stage.outcome.best_of == "last"  # although the losses fall


def test_the_summary_names_the_selected_generation_and_the_reason_of_the_end(context, monkeypatch):
    monkeypatch.setattr("rdl.jobs.stage.Stage.measure", lambda self, name: {})
    gin.bind_parameter("population.min_score", 0.1)
    summary = search(context, ByGeneration((0.5, 0.05, 0.3)))
    assert summary["final.generation"] == 0
    assert summary["final.active_latents"] == 1.5
    assert summary["images_trained"] == 32
    assert summary["final.stopped"] == "nothing is left to learn: the best score is under 0.1"


def test_a_search_judges_its_model_by_independently_trained_models(context):
    summary = search(context, UDRScore())
    verdict = Verdict.load(context.run.paths.verdict)
    assert verdict.summary.items() <= summary.items()
    # The other model of the best member, and the best model of the other member unless that is its clone.
    members = [Member.from_record(record) for key, record in context.run.journal.items() if "/generation_" in key]
    generations = [[m for m in members if m.generation == g] for g in range(max(m.generation for m in members) + 1)]
    lines = {evolution.find_founder(generations, member) for member in generations[-1]}
    assert verdict.compared == 1 + len(lines) - 1
    left = context.run.paths.checkpoints("population")
    further = {member.name for member in generations[-1]} | {context.run.journal["population/outcome"]["best"]}
    assert sum(len(list(folder.iterdir())) for folder in left.values()) == len(further)  # for an extension of the run
    again = search(context, UDRScore())
    assert again == summary


@pytest.mark.parametrize(
    ("models", "score", "expected"),
    [
        (1, UDRScore(), "set population.models = 2 or more"),
        (1, FewLabelsMIGScore(labels=10_000), "at least 10000 images with labels"),
        (2, DCIScore(labels=8, factors=["colour"]), "No factor is called 'colour'"),
    ],
)
def test_an_impossible_score_is_refused_before_training(context, models, score, expected):
    gin.parse_config(f"population.models = {models}")
    with pytest.raises(UserError, match=expected):
        search(context, score)
    assert not list(context.run.journal.items())


def test_a_single_model_has_no_models_to_compare(context):
    gin.parse_config(["population.size = 1", "population.models = 1"])
    summary = search(context, MIGScore())
    assert summary["verdict.models_compared"] == 0
    assert summary["verdict.supported"] == summary["verdict.factors_found"] == 0


def test_a_warm_start_initialises_members_with_the_weights_of_a_trained_model(context):
    before = train_population(context, StageSpec("x_run", "x_run", context.images, UDRScore(), in_verdict=True))
    still = SearchSpace({"learning_rate": Dimension((1e-12,), low=1e-13), "batch_size": Dimension((16,), low=2)})
    (member,) = evolution.draw_first_generation(1, still, (0,))
    encoded = before.encode(context.images)
    for start, alike in ((before.trained, True), (None, False)):
        task = MemberTask(context.learner, context.run.paths, "final", context.images, 16, 1, None, 0, start)
        trained = MemberModel(context.run.paths, "final", task(member), context.images.shape, 1)
        codes = context.learner.encode(trained, context.images)
        assert all(np.allclose(ours, theirs, atol=1e-4) for ours, theirs in zip(codes, encoded, strict=True)) == alike


def test_the_verdict_excludes_the_model_of_the_warm_start(context):
    x_run = train_population(context, StageSpec("x_run", "x_run", context.images, UDRScore(), in_verdict=True))
    final = train_population(
        context, StageSpec("final", "final", context.images, UDRScore(), in_verdict=True, start=x_run.trained)
    )
    assert final.independent_models == []
    judge_model(context, final, [x_run])
    verdict = Verdict.from_json(context.run.journal[str(VerdictKey())])
    assert verdict.compared == len(x_run.independent_models) > 0


def test_a_search_starts_from_the_x_model_of_another_run(context, tmp_path, monkeypatch):
    x_run = train_population(context, StageSpec("x_run", "x_run", context.images, UDRScore(), in_verdict=True))
    write_config(context.run.root)
    starts = []
    monkeypatch.setattr(VAELearner, "_start_from", lambda self, trainer, start, seed: starts.append(start))
    with RunDirectory(tmp_path / "other") as run:
        search(dataclasses.replace(context, run=run), RandomScore(), str(context.run.root))
    assert {(start.checkpoint, start.model) for start in starts} == {(x_run.trained.checkpoint, x_run.trained.model)}


def test_a_search_refuses_to_start_from_a_run_without_an_x_run(context, tmp_path):
    write_config(tmp_path)
    with pytest.raises(UserError, match="warm_start"):
        search(context, RandomScore(), str(tmp_path))
