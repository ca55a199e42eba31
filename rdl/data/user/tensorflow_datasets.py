"""Reads data sets of TensorFlow Datasets, an extra package."""

from collections.abc import Iterator

import numpy as np

from rdl.data import cache
from rdl.data.factor_columns import factor_table
from rdl.data.factors import Table
from rdl.data.formats.intensities import Extent, Range, resolve_range, to_uint8
from rdl.data.formats.shapes import Shape, check_images
from rdl.data.formats.treatment import Treatment
from rdl.data.sources import Source
from rdl.errors import UserError

_BLOCK = 256  # images decoded at once


def read_tfds(
    name: str, split: str, treatment: Treatment, value_range: Range | None = None
) -> tuple[Source, Table | None]:
    """The feature `image` of a data set of TensorFlow Datasets, and its `label` as a factor.

    Raises:
      UserError: the package or the data set is missing, or its images cannot be used.
    """
    try:
        import tensorflow_datasets as tfds  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError(
            f"'tfds:{name}' needs the package tensorflow-datasets: pip install tensorflow-datasets."
        ) from None
    try:
        builder = tfds.builder(name)
        if split not in builder.info.splits:
            raise UserError(f"'tfds:{name}' has no split '{split}': use one of {', '.join(builder.info.splits)}.")
        builder.download_and_prepare()
    except UserError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"TensorFlow Datasets cannot give '{name}': {reason}") from error
    length = builder.info.splits[split].num_examples
    decoder = _Decoder(f"the images of 'tfds:{name}'", treatment, value_range)
    # One example gives the shape; a set of images of many sizes needs dataset.size.
    shape = decoder.image(next(iter(tfds.as_numpy(builder.as_dataset(split=split))))).shape
    check_images((length, *shape), decoder.what)
    key = f"tfds:{name} {builder.info.version} {split} {treatment} {value_range} decoding 2"
    examples = tfds.as_numpy(builder.as_dataset(split=split))
    source = cache.find_cached(key) or cache.decode_once(key, length, shape, decoder.blocks(examples, shape))
    if "label" not in builder.info.features:
        return source, None
    labels = [example["label"] for example in tfds.as_numpy(builder.as_dataset(split=split))]
    return source, factor_table(np.array(labels), length, ["label"], f"the labels of 'tfds:{name}'")


class _Decoder:
    def __init__(self, what: str, treatment: Treatment, value_range: Range | None):
        self.what, self._treatment, self._range = what, treatment, value_range

    def image(self, example) -> np.ndarray:
        """uint8 [height, width, channels]."""
        if not isinstance(example, dict) or "image" not in example:
            raise UserError(f"Expected a feature 'image' for {self.what}, got none: choose a data set of images.")
        image, extent = np.asarray(example["image"]), Extent()
        if image.dtype == np.uint8 and self._range is None:
            return self._treatment.apply(np.atleast_3d(image))
        extent.add(image, self.what)
        if self._range is None and image.dtype.kind in "iu":
            raise UserError(
                f"Expected {self.what} as uint8, got {image.dtype}: set dataset.value_range = (0, {extent.high:g}), "
                "the values of black and white."
            )
        chosen, _ = resolve_range(extent, self._range or ((0, 1) if extent.high <= 1 else None), self.what)
        return self._treatment.apply(np.atleast_3d(to_uint8(image, chosen)))

    def blocks(self, examples, shape: Shape) -> Iterator[np.ndarray]:
        """uint8 [at most 256, *shape] at a time."""
        images: list[np.ndarray] = []
        for example in examples:
            image = self.image(example)
            if image.shape != shape:
                raise UserError(f"{self.what.capitalize()} have several sizes: make all alike with dataset.size.")
            images.append(image)
            if len(images) == _BLOCK:
                yield np.stack(images)
                images = []
        if images:
            yield np.stack(images)
