"""Caches and official files of these tests lie in a folder of their own."""

import pytest


@pytest.fixture(autouse=True)
def places(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RDL_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("DISENTANGLEMENT_LIB_DATA", str(tmp_path_factory.mktemp("official")))


@pytest.fixture
def official_folder(places):
    import os
    from pathlib import Path

    return Path(os.environ["DISENTANGLEMENT_LIB_DATA"])
