"""Initial weights from a seed."""

import keras

from rdl.seeds import derive


def initialize(model: keras.Model, seed: int) -> None:
    """Draws every weight with its layer's initializer; the same seed gives the same weights.

    The initializer of a weight `kernel` is its layer's attribute `kernel_initializer`, as in all Keras layers.
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
