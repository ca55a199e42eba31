"""Installs rdl, its gin files within it, and the metrics under third_party/ beside it; pyproject.toml has the rest."""

from setuptools import find_namespace_packages, setup

gin_configs = ["gin_configs", *(f"gin_configs.{name}" for name in find_namespace_packages("gin_configs"))]

setup(
    license="Apache-2.0",  # here, as versions of setuptools disagree on how pyproject.toml says it
    packages=[
        *find_namespace_packages(include=["rdl", "rdl.*", "third_party", "third_party.*"]),
        *(f"rdl.{name}" for name in gin_configs),
    ],
    package_dir={"rdl.gin_configs": "gin_configs"},
    package_data={"rdl.report": ["templates/*"], "": ["*.gin"]},
)
