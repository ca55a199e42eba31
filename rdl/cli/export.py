"""Exports the model of a finished run for other programs, with a model card; the files do not need rdl.

    bin/export runs/quickstart                                  RUN/export/saved_model
    bin/export runs/quickstart --format=onnx --output_dir=/tmp/onnx
    bin/export runs/quickstart --format=keras --license=cc-by-4.0

The model card is a README.md in the form of the Hugging Face hub: data, configuration, scores, the verdict on each
latent, how to load the files, licence, citation. It quotes the run's records; read it before you publish it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_enum("format", "saved_model", ["keras", "saved_model", "onnx"], "Format of the model.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Folder of the export. Default: RUN/export/FORMAT.", flag_values=FLAGS)
flags.DEFINE_string(
    "license", None, "Licence of the model, by its name on the hub: apache-2.0, cc-by-4.0, ..",
    flag_values=FLAGS,
)  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Exports the model and prints the paths of the files."""
    if len(arguments) != 1:
        raise UserError("Expected one run directory: bin/export runs/quickstart --format=saved_model.")
    if FLAGS.license is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{0,60}", FLAGS.license):
        raise UserError(
            f"--license must be a name of lower-case letters, digits, dots and hyphens, such as apache-2.0; got "
            f"{FLAGS.license!r}."
        )
    from rdl import quiet_start  # noqa: F401, I001  (before anything imports TensorFlow)
    from rdl.models.saving import saved
    from rdl.models.saving.export import export
    from rdl.results.model_card import write_card
    from rdl.runs import Layout

    run = Layout(Path(arguments[0]))
    model = saved.load_model(run.model)
    text = write_card(run, model, FLAGS.format, FLAGS.license)
    for path in export(model, FLAGS.output_dir or f"{arguments[0]}/export/{FLAGS.format}", FLAGS.format, text):
        print(path)
