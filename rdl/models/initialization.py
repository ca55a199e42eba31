"""Fresh weights from a seed, whatever was drawn before."""

import keras

from rdl.seeds import derive


def initialize(model: keras.Model, seed: int) -> None:
    """Draws every weight anew with its layer's own initializer; the same seed gives the same weights.

    A weight called `kernel` is drawn by its layer's `kernel_initializer`, as all Keras layers have it.
    """
    initializers = {
        id(variable): getattr(layer, f"{variable.name}_initializer")
        for layer in model._flatten_layers(include_self=False)
        for variable in layer.variables
        if hasattr(layer, f"{variable.name}_initializer")
    }
    for position, variable in enumerate(model.weights):
        initializer = initializers[id(variable)]
        config = initializer.get_config()
        if "seed" in config:
            initializer = type(initializer).from_config(config | {"seed": derive(seed, "weights", position)})
        variable.assign(initializer(variable.shape, dtype=variable.dtype))
