"""The ladder VAE with progressively learned levels, pro-VLAE (Li et al., ICLR 2020, arXiv 2002.10549)."""

import gin
import keras
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.distributions import kl_to_prior
from rdl.models.ladder.levels import gates_of, levels_of
from rdl.models.ladder.schedule import Phase, ProgressiveSchedule
from rdl.models.objectives.objective import ForwardPass, Objective, Terms, Values, reconstruction
from rdl.models.vae import VAE, VAE_PLAYER


@gin.configurable
def pro_vlae(beta: float = 1.0, coefficient: float = 0.5) -> Objective:
    """pro-VLAE: loss = -log p(x|z) + beta sum KL(active levels) + coefficient sum KL(inactive levels).

    The last term is the paper's pre-training KL. gin's `progressive` schedules the active levels; with
    `progressive.steps = 1` all levels are active from the start, which is VLAE (Zhao et al. 2017).

    Args:
      beta: weight of the active levels' KL.
      coefficient: weight of the inactive levels' KL, which keeps their posteriors near the prior.
    """

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        return {"reconstruction": reconstruction(forward)}

    return Objective("pro_vlae", terms, {"beta": beta, "coefficient": coefficient}, model=LadderVAE)


class LadderVAE(VAE):
    """A VAE whose latents come in levels, which a schedule activates one after another.

    The schedule's gates are weights of the networks, so that an encoder or decoder read from disk computes what it
    computed at the last update.

    Args:
      encoder: as in `VAE`; gates in its branches are optional.
      decoder: as in `VAE`, with levels and gates.
      objective: from `pro_vlae`.

    Raises:
      UserError: the decoder has no levels.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, objective: Objective):
        super().__init__(encoder, decoder, objective)
        levels = levels_of(decoder)
        if levels is None:
            raise UserError(
                "The objective pro_vlae needs a decoder with levels: model.decoder = @ladder_decoder or @flat_decoder."
            )
        self.levels = levels
        self.schedule = ProgressiveSchedule(levels=len(levels))

    def losses(self, images, seed, updates, dataset_size, hyperparameters, labels=None) -> dict[str, Terms]:
        """The reconstruction term, and for each level its weighted KL."""
        phase = self.schedule.at(updates)
        self.set_gates(phase)
        forward = self.forward(images, seed, updates, dataset_size)
        weights = phase.kl_weights(hyperparameters["beta"], hyperparameters["coefficient"])
        kl = kl_to_prior(forward.posterior.loc, forward.posterior.log_variance)
        terms = {
            f"weighted_kl_{name}": weights[position] * replicas.share_of_mean(tf.reduce_sum(kl[:, where], axis=1))
            for position, (name, where) in enumerate(zip(self.levels.names, self.levels.slices, strict=True))
        }
        return {VAE_PLAYER: self.terms(forward, hyperparameters, labels) | terms}

    def set_gates(self, phase: Phase) -> None:
        """Sets the networks' gates to the schedule's phase."""
        for network, gates in ((self.encoder, phase.encoder_gates), (self.decoder, phase.decoder_gates)):
            for layer in gates_of(network):
                layer.gate.assign(gates[len(self.levels) - layer.level])
