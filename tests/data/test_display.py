import io

import numpy as np
import pytest
from PIL import Image

from rdl.data.display import encode_png, tile_images, to_rgb


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_png_has_the_pixels_of_the_tiles(channels):
    images = np.arange(3 * 2 * 2 * channels, dtype=np.uint8).reshape(3, 2, 2, channels)
    sheet = tile_images(images, 2)
    assert sheet.shape == (5, 5, channels) and np.all(sheet[2] == 128) and np.all(sheet[3:, 3:] == 128)
    assert np.array_equal(sheet[3:, :2], images[2])
    decoded = np.asarray(Image.open(io.BytesIO(encode_png(sheet))))
    assert np.array_equal(decoded, sheet[..., 0] if channels == 1 else to_rgb(sheet))
