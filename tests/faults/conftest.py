"""An uninterrupted run of the made-up recursion, with which interrupted runs are compared."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "population"))


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The images, the file operations and the final state of the uninterrupted run."""
    import made_up_recursion
    from killing import in_child

    folder = tmp_path_factory.mktemp("whole")
    images = folder / "images.npz"
    made_up_recursion.make_images(images)
    ended = in_child(folder / "run", lambda: made_up_recursion.train(folder / "run", images))
    if ended.code:
        pytest.fail(ended.errors)
    return SimpleNamespace(images=images, calls=ended.calls, state=made_up_recursion.state(folder / "run"))
