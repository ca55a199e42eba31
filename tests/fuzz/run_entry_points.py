"""Entry points of files that runs and other programs write: journals, JSON, codes, labels, checkpoints, models."""

import contextlib
import importlib.util
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import damage
import numpy as np
from damage import pick

from rdl.cli import configure, metrics
from rdl.config import RunConfig, read_gin
from rdl.data.user.user_arrays import images_from_memory
from rdl.errors import UserError
from rdl.models import likelihoods
from rdl.models.saving import saved
from rdl.recursion import LeafLabels, to_json
from rdl.report.page import write_report
from rdl.report.run_records import read_records
from rdl.report.study_page import write_study
from rdl.results.dot_plot import draw_dots, save_dots
from rdl.results.model_card import write_card
from rdl.results.results_table import read_results
from rdl.results.study_results import format_study, read_study
from rdl.results.summary import format_summary, summarize
from rdl.runs import RunDirectory, files
from rdl.runs.journal import Journal, checksum, parse_line
from rdl.training import checkpoints

Random = np.random.Generator
_MODEL = SimpleNamespace(  # all that a card reads of a model
    image_shape=(16, 16, 1), num_latents=3, decoder=SimpleNamespace(layers=[])
)
_MADE_UP = Path(__file__).resolve().parents[1] / "report" / "made_up.py"


def made_up():
    """The report's made-up runs."""
    spec = importlib.util.spec_from_file_location("made_up_for_fuzz", _MADE_UP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Journals:
    """A run directory that somebody changed: lines of the right checksum and other content, bytes, other files."""

    PAGE_EVERY = 25  # cases: a page takes a second to draw

    def __init__(self, folder: Path):
        self._root, self._number = folder / "run", 0
        source = made_up()
        with RunDirectory(self._root, RunConfig({"experiment.seed": 3})) as run:
            udr = {"pairwise_udr": [[0.0, 0.4], [0.5, 0.0]]}
            for stage, members in (("x_run", source.generations(3, 2, **udr)), ("final", source.generations(3, 2))):
                for member in [member for generation in members for member in generation]:
                    run.journal.append(f"{stage}/{member.name}", member.to_record())
            for i, record in enumerate(source.leaf(0)[1]):
                run.journal.append(f"leaf_0/iteration_{i}", to_json(record) | {"stage": "x_run"})
            run.journal.append("x_run/outcome", {"best": "generation_001/member_000", "stopped": "converged"})
            run.journal.append(
                "measure/final", {"discrete_mig": 0.4, "disentanglement": 0.5, "measurement.num_bins": 20}
            )
            run.journal.append("session/000", {"seconds": 61.0})
            run.journal.append("summary", {"experiment": "search", "dataset": "a", "seed": 3, "elapsed_seconds": 9.0})
            files.write_json(run.paths.environment(0), {"commit": "abc", "python": "3.11", "packages": {"numpy": "2"}})
            files.write_json(run.paths.summary, {"experiment": "search", "seed": 3})
        self._true = {path: path.read_bytes() for path in self._root.rglob("*") if path.is_file()}
        self._lines = self._true[self._root / "journal.jsonl"].splitlines(keepends=True)

    def __call__(self, random: Random) -> None:
        self._number += 1
        shutil.rmtree(self._root)
        for path, content in self._true.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        kind, journal = random.random(), self._root / "journal.jsonl"
        if kind < 0.6:
            journal.write_bytes(b"".join(self._changed(random, line) for line in self._lines))
        elif kind < 0.8:
            journal.write_bytes(damage.content(random, b"".join(self._lines)))
        else:
            path = pick(random, list(self._true))
            path.unlink()
            if random.random() < 0.3:
                path.mkdir()
            else:
                path.write_bytes(damage.content(random, self._true[path]))
        records = read_records(self._root)
        for value in (records.stages, records.random_members, records.leaves, records.measured, records.selected):
            repr(value)
        repr((records.reader.sessions, records.reader.used, records.reader.damaged, records.summary))
        write_card(records.reader.paths, _MODEL, "keras")
        if self._number % self.PAGE_EVERY == 0:
            write_report([self._root])
        Journal(journal)

    def _changed(self, random: Random, line: bytes) -> bytes:
        if random.random() > 0.15:
            return line
        entry = parse_line(line)
        key, record = entry["key"], damage.tree(random, entry["record"])
        if random.random() < 0.1:
            key = damage.tree(random, key)
        try:
            written = json.dumps({"key": key, "record": record, "sha256": checksum(key, record)})
        except (RecursionError, ValueError):
            written = "[" * 5000
        return written.encode() + b"\n"


class Studies:
    """A study of gin files over seeds that somebody changed: summaries, measurements, why runs failed."""

    PAGE_EVERY = 25  # cases: a page takes a second to draw

    def __init__(self, folder: Path):
        self._root, self._number = folder / "study", 0
        scores = {"final.discrete_mig": 0.3, "final.mig_sup": 0.2, "x_model.discrete_mig": 0.1}
        summary = {"experiment": "search", "dataset": "a", "elapsed_seconds": 9.0, "images_trained": 640, **scores}
        for file in ("one", "other"):
            for seed in range(3):
                place = self._root / file / str(seed)
                config = RunConfig({"dataset.name": "a", "experiment.seed": seed})
                files.write_json(place / "config.json", config.to_json())
                files.write_json(place / "results" / "summary.json", {**summary, "seed": seed})
                tree = place / "metrics" / "mean" / "mig" / "results" / "aggregate" / "evaluation.json"
                files.write_json(tree, Scores.ROW | {"evaluation_results.discrete_mig": 0.25})
            files.write_json(self._root / file / "3.failed.json", {"reason": "no images"})
        self._true = {path: path.read_bytes() for path in self._root.rglob("*") if path.is_file()}

    def __call__(self, random: Random) -> None:
        self._number += 1
        shutil.rmtree(self._root)
        for path, content in self._true.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        path = pick(random, list(self._true))
        if path.suffix == ".json" and random.random() < 0.6:
            path.write_bytes(damage.written(damage.tree(random, json.loads(self._true[path]))))
        elif random.random() < 0.5:
            path.write_bytes(damage.content(random, self._true[path]))
        else:
            path.unlink()
            path.with_name(pick(random, (path.name, "x.failed.json", "-1", "10.failed.json"))).mkdir()
        if self._number % self.PAGE_EVERY == 0:
            write_study(self._root)
        repr(format_study(read_study(self._root), "one"))


class Scores:
    """Aggregated JSON and result trees, compared, and drawn now and then."""

    DRAWN_EVERY = 50

    TRUE = {
        "train_config.model.name": {"0": "'beta_vae'", "1": "'beta_vae'"},
        "train_config.vae.beta": {"0": "4.0", "1": "8.0"},
        "train_config.dataset.name": {"0": "'shapes3d'", "1": "'shapes3d'"},
        "postprocess_config.postprocess.name": {"0": "'mean'", "1": "'mean'"},
        "evaluation_config.evaluation.name": {"0": "'mig'", "1": "'dci'"},
        "evaluation_results.discrete_mig": {"0": 0.3, "1": None},
        "evaluation_results.disentanglement": {"0": None, "1": 0.5},
        "evaluation_results.elapsed_time": {"0": 3.0, "1": 4.0},
    }
    ROW = {key: column["0"] for key, column in TRUE.items()}

    def __init__(self, folder: Path):
        self._file = folder / "results.json"
        self._tree = folder / "tree" / "metrics" / "mean" / "mig" / "results" / "aggregate" / "evaluation.json"
        self._tree.parent.mkdir(parents=True)
        self._number = 0

    def __call__(self, random: Random) -> None:
        self._number += 1
        whole = self.TRUE if random.random() < 0.5 else self.ROW
        bad = damage.written(damage.tree(random, whole))
        if random.random() < 0.3:
            bad = damage.content(random, bad)
        place = pick(random, (self._file, self._tree))
        place.write_bytes(bad)
        results = read_results([self._file if place == self._file else self._tree.parents[5]])
        with contextlib.redirect_stdout(io.StringIO()):
            print(format_summary(summarize(results)), results.to_csv())
        if self._number % self.DRAWN_EVERY == 0:
            save_dots(draw_dots(results), self._file.parent)


class Codes:
    """bin/metrics: codes, factors, representations, from any framework."""

    NAMES = ("mig", "nmig", "irs", "sap_score", "unsupervised", "modularity_explicitness")

    def __init__(self, folder: Path):
        self._path, self._json = folder / "codes.npz", folder / "out.json"
        random = np.random.default_rng(0)
        factors = random.integers(0, 3, (60, 2))
        self._arrays = {"codes": random.normal(size=(60, 3)) + factors[:, :1], "factors": factors}
        np.savez_compressed(self._path, **self._arrays)
        self._true = self._path.read_bytes()

    def __call__(self, random: Random) -> None:
        if random.random() < 0.4:
            self._path.write_bytes(damage.content(random, self._true))
        else:
            arrays = {name: self._odd(random, array) for name, array in self._arrays.items()}
            if random.random() < 0.3:
                arrays[str(pick(random, ("codes_test", "factors_test", "kl", "representations")))] = arrays["codes"]
            np.savez(self._path, **arrays)
        arguments = [str(self._path), "--metrics", str(pick(random, self.NAMES)), "--json", str(self._json)]
        arguments += ["--mode", str(pick(random, ("dlib", "fixed")))]
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            metrics.main(metrics.parser().parse_args(arguments))
        json.loads(self._json.read_bytes(), parse_constant=_no_json)

    @staticmethod
    def _odd(random: Random, array: np.ndarray) -> np.ndarray:
        kind = int(random.integers(6))
        if kind == 0:
            array = array.astype(pick(random, ("f4", "f8", "i8", "c8", "m8[s]", "U5", "?", "u8", "f2")))
        elif kind == 1:
            array = array[: int(random.integers(6))]
        elif kind == 2:
            array = array.reshape(pick(random, ((-1,), (1, *array.shape), (-1, 1))))
        elif kind == 3:
            array = array.copy().astype(np.float64)
            array[int(random.integers(60)), 0] = float(pick(random, (np.nan, np.inf, 1e308, -1e308, 2.0**60, -7, 0.5)))
        elif kind == 4:
            array = np.full_like(array, int(pick(random, (0, 2**53 + 1, 2**62))) if array.dtype.kind == "i" else 0)
        return array


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


class Arrays:
    """A leaf run's labels, and checkpoints, of a run that somebody changed."""

    def __init__(self, folder: Path):
        self._labels, self._checkpoint = folder / "labels.npz", folder / "member.npz"
        made_up().leaf(0)[0].save(self._labels)
        checkpoints.save_checkpoint(self._checkpoint, {"a": np.zeros((3, 4)), "b": np.arange(5)})
        self._true = self._labels.read_bytes(), self._checkpoint.read_bytes()

    def __call__(self, random: Random) -> None:
        if random.random() < 0.5:
            self._labels.write_bytes(damage.content(random, self._true[0]))
            LeafLabels.load(self._labels)
        else:
            self._checkpoint.write_bytes(damage.content(random, self._true[1]))
            try:
                checkpoints.load_checkpoint(self._checkpoint)
            except checkpoints.CorruptCheckpoint as error:  # told to the run, which makes it again
                raise UserError(str(error)) from error


class Models:
    """The model of a run that somebody made."""

    def __init__(self, folder: Path):
        from rdl.models import build
        from rdl.models.networks.small import small_fc_decoder, small_fc_encoder

        self._folder = folder / "model"
        vae = build((8, 8, 1), 1, small_fc_encoder, small_fc_decoder, num_latents=2).models[0]
        saved.save(vae, self._folder)
        self._true = {name: (self._folder / f"{name}.keras").read_bytes() for name in ("encoder", "decoder")}

    def __call__(self, random: Random) -> None:
        for name, content in self._true.items():
            (self._folder / f"{name}.keras").write_bytes(content)
        name = str(pick(random, ("encoder", "decoder")))
        kind = random.random()
        bad = self._true[{"encoder": "decoder", "decoder": "encoder"}[name]]
        if kind < 0.4:
            bad = damage.content(random, self._true[name])
        elif kind < 0.95:
            bad = self._reconfigured(random, self._true[name])
        (self._folder / f"{name}.keras").write_bytes(bad)
        model = saved.load_model(self._folder)
        model.encode(np.zeros((2, *model.image_shape), np.uint8))
        model.decode(np.zeros((2, model.num_latents)))

    @staticmethod
    def _reconfigured(random: Random, whole: bytes) -> bytes:
        """The same file with another description of its layers, of the right checksum."""
        import zipfile

        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
            for entry in old.namelist():
                content = old.read(entry)
                if entry == "config.json":
                    content = damage.written(damage.tree(random, json.loads(content)))
                new.writestr(entry, content)
        return out.getvalue()


class Likelihoods:
    """Settings of the likelihoods in gin, and images of all ranges under each likelihood.

    A case that is accepted must give finite log probabilities, whatever the decoder's logits.
    """

    KINDS = ("bernoulli", "continuous_bernoulli", "gaussian")
    SCALES = ("None", "0.1", "1e-3", "1e3", "0", "-1", "1e-9", "1e9", "'0.1'", "(0.1,)", "nan", "float('nan')", "1e400")
    LOGITS = (0.0, 1e-6, 5.0, -40.0, 1e4, -1e4)

    def __init__(self, folder: Path):
        del folder
        configure()

    def __call__(self, random: Random) -> None:
        kind = pick(random, self.KINDS)
        scale = pick(random, (*self.SCALES, *self.SCALES[:4], damage.spelled(damage.value(random)).replace("\n", " ")))
        named = pick(random, (*[f"@{kind}"] * 6, f"@{kind}()", f"'{kind}'", "@laplace", "None", "0.5"))
        read_gin([], [f"model.likelihood = {named}", *([f"gaussian.scale = {scale}"] if random.random() < 0.7 else [])])
        images = random.random((12, 6, 8)) * pick(random, (1, 1, 1, 2, 255)) - pick(random, (0, 0, 0, 1))
        changed = pick(random, (slice(0), slice(0), slice(1), slice(1), slice(None)))
        images[changed] = pick(random, (0.0, 0.5, 1.0, np.nan, np.inf, -1e-4, 1.0001))
        pixels, _ = images_from_memory(images, pick(random, (None, None, (0.0, 1.0), (-1.0, 255.0))))
        likelihood = getattr(likelihoods, kind)()
        likelihood.build(pixels.shape)
        intensities = pixels.astype(np.float32) / 255
        density = likelihood.distribution(np.full(pixels.shape, pick(random, self.LOGITS), np.float32))
        if not np.isfinite(density.log_prob(intensities)).all():
            raise AssertionError(f"{kind}: log probabilities that are not finite")


ENTRY_POINTS = {
    "likelihoods": Likelihoods,
    "journals and run directories": Journals,
    "scores of others": Scores,
    "studies": Studies,
    "codes": Codes,
    "labels and checkpoints": Arrays,
    "models": Models,
}
