"""Networks, objectives, likelihoods, and the VAEs built from them."""

from rdl.models.build import build
from rdl.models.vae import VAE, Ensemble

__all__ = ["VAE", "Ensemble", "build"]
