"""One whole run of the made-up recursion, to hold interrupted ones to."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "population"))


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Its images, its calls on files, and its final state."""
    import made_up_recursion
    from killing import in_child

    folder = tmp_path_factory.mktemp("whole")
    images = folder / "images.npz"
    made_up_recursion.make_images(images)
    ended = in_child(folder / "run", lambda: made_up_recursion.train(folder / "run", images))
    if ended.code:
        pytest.fail(ended.errors)
    return SimpleNamespace(images=images, calls=ended.calls, state=made_up_recursion.state(folder / "run"))
