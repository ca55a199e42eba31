"""Writes a finished run's model for other programs; what is written needs no rdl.

bin/export runs/quickstart                                  RUN/export/saved_model
bin/export runs/quickstart --format=onnx --output_dir=/tmp/onnx
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_enum("format", "saved_model", ["keras", "saved_model", "onnx"], "What to write.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Folder to write. Default: RUN/export/FORMAT.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Run -> files."""
    if len(arguments) != 1:
        raise UserError("Give one run directory: bin/export runs/quickstart --format=saved_model.")
    from rdl import quiet_start  # noqa: F401, I001  (first: before anything imports TensorFlow)
    from rdl.models.saving import saved
    from rdl.models.saving.export import export
    from rdl.runs import Layout

    folder = FLAGS.output_dir or f"{arguments[0]}/export/{FLAGS.format}"
    for path in export(saved.load(Layout(Path(arguments[0])).model), folder, FLAGS.format):
        print(path)
