"""Images, models that train in moments, and searches that have one point, as gin's text: for any test."""

from rdl import data

SMALL_VAE = """
model.encoder = @small_fc_encoder
model.decoder = @small_fc_decoder
model.num_latents = 3
small_fc_encoder.widths = (8,)
small_fc_decoder.widths = (8,)
"""

SMALL_LADDER = """
model.encoder = @ladder_encoder
model.decoder = @ladder_decoder
model.objective = @pro_vlae
model.num_latents = 4
levels.count = 2
ladder_encoder.filters = (4, 4)
ladder_decoder.filters = (4, 4)
ladder_encoder.width = 8
ladder_decoder.width = 8
"""

BATCHES_OF_16 = """
SearchSpace.dimensions = {"learning_rate": @rate/Dimension(), "batch_size": @batch/Dimension()}
rate/Dimension.initial = (1e-3,)
batch/Dimension.initial = (16,)
batch/Dimension.low = 2
batch/Dimension.integer = True
"""

BATCHES_THAT_SHRINK = """
rate/Dimension.initial = (1e-3,)
batch/Dimension.initial = (10,)
batch/Dimension.factors = (0.7,)
batch/Dimension.low = 2
batch/Dimension.integer = True
"""

SMALL_MEASUREMENT = """
Measurement.num_train = 40
Measurement.num_test = 20
measure.num_bins = 4
"""

SMALL_STUDY = f"""
{SMALL_VAE}
dataset.values = {{"scale": 2, "orientation": 4, "x": 4, "y": 4}}
dataset.size = 16
threads.models_side_by_side = True
population.images = 640
population.generations = 1
Measurement.num_train = 50
Measurement.num_test = 25
"""


def small_sprites() -> data.ImageSet:
    """128 sprites of 8 x 8, four of their factors known to vary."""
    values = {"shape": [0, 1], "scale": [0, 5], "orientation": [0], "x": 8, "y": 4}
    return data.load("dsprites_full", values=values, size=8)
