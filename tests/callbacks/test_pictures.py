import numpy as np
from matplotlib.axes import Axes

from rdl import data
from rdl.callbacks import pictures
from rdl.models import build
from rdl.models.networks.small import small_fc_decoder, small_fc_encoder
from rdl.models.saving.saved import TrainedModel


class Fades:
    """A model whose traversals go from black to white."""

    def traverse(self, image, latent, values):
        return np.linspace(0, 1, len(values))[:, None, None, None] * np.ones((len(values), 8, 8, 1))


def test_every_column_of_a_traversal_shows_its_value(monkeypatch):
    titles, set_title = [], Axes.set_title
    monkeypatch.setattr(
        Axes, "set_title", lambda self, text, **options: (titles.append(text), set_title(self, text, **options))[1]
    )
    picture = pictures.draw_traversals(Fades(), np.zeros((8, 8, 1), np.uint8), np.array([2.0, 0.0, 1.0]))
    assert titles == ["-2", "-1.5", "-1", "-0.5", "0", "0.5", "1", "1.5", "2"]
    assert picture.size[0] > picture.size[1] > 100


def test_the_seed_selects_the_images():
    images = data.load("dsprites_full", values={"orientation": [0], "x": 8, "y": 8}, size=16)
    model = build((16, 16, 1), 1, small_fc_encoder, small_fc_decoder, num_latents=2).models[0]
    trained = TrainedModel.of(model)
    shown = [pictures.draw_thumbnails(trained, images, seed)["reconstructions"] for seed in (0, 0, 1)]
    assert np.array_equal(shown[0], shown[1])
    assert not np.array_equal(shown[0], shown[2])
