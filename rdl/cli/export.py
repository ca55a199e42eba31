"""Writes a finished run's model for other programs, and its card; what is written needs no rdl.

    bin/export runs/quickstart                                  RUN/export/saved_model
    bin/export runs/quickstart --format=onnx --output_dir=/tmp/onnx
    bin/export runs/quickstart --format=keras --license=cc-by-4.0

The card is a README.md as the Hugging Face hub has it: data, configuration, scores, the verdict on each latent, how to
load the files, licence, citation. It says what the run has recorded; read it before you publish it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_enum("format", "saved_model", ["keras", "saved_model", "onnx"], "What to write.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Folder to write. Default: RUN/export/FORMAT.", flag_values=FLAGS)
flags.DEFINE_string(
    "license", None, "The licence that you give the model, by its name on the hub: apache-2.0, cc-by-4.0, ..",
    flag_values=FLAGS,
)  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Run -> files."""
    if len(arguments) != 1:
        raise UserError("Give one run directory: bin/export runs/quickstart --format=saved_model.")
    if FLAGS.license is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{0,60}", FLAGS.license):
        raise UserError(
            f"--license must be a name such as apache-2.0, in small letters, digits, dots and hyphens, got "
            f"{FLAGS.license!r}."
        )
    from rdl import quiet_start  # noqa: F401, I001  (first: before anything imports TensorFlow)
    from rdl.models.saving import saved
    from rdl.results import model_card
    from rdl.models.saving.export import export
    from rdl.runs import Layout

    run = Layout(Path(arguments[0]))
    model = saved.load(run.model)
    text = model_card.written(run, model, FLAGS.format, FLAGS.license)
    for path in export(model, FLAGS.output_dir or f"{arguments[0]}/export/{FLAGS.format}", FLAGS.format, text):
        print(path)
