"""What a run leaves behind for its user: the model, and a picture of what its latents do."""

import numpy as np

from rdl.jobs.context import Context
from rdl.jobs.stage import Stage
from rdl.runs import files
from rdl.scoring import mean_kl
from rdl.seeds import generator
from rdl.watch import pictures


def hand_over(context: Context, stage: Stage) -> None:
    """Writes the stage's best model to ``model/`` and its traversals to ``results/traversals.png``."""
    few = generator(context.seed, "pictures").permutation(len(context.images))[:1000]
    means, log_variances = stage.encode(context.images, np.sort(few))
    model = stage.model()
    model.save(context.run.paths.model)
    kl = mean_kl(means[None], log_variances[None])[0]
    picture = pictures.traversals(model, context.images.images(few[:1])[0], kl)
    with files.replacing(context.run.paths.result("traversals.png")) as file:
        picture.save(file, format="png")
