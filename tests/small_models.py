"""gin's text of models that train in moments, and of a search that has one point: for any test."""

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
