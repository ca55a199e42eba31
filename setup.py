"""Installs rdl, and the metrics under third_party/ beside it."""

from setuptools import find_namespace_packages, setup

setup(
    name="rdl",
    version="0.1.0",
    description="Robust disentangled representations: PBT-VAE, rPU-VAE, pro-VLAE, baselines and metrics.",
    python_requires=">=3.11",
    packages=find_namespace_packages(include=["rdl", "rdl.*", "third_party", "third_party.*"]),
    package_data={"rdl.report": ["page.css", "page.js"]},
    install_requires=[
        "absl-py>=2.1",
        "gin-config==0.5.0",
        "h5py>=3.10",
        "keras>=3.10,<4",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pillow>=10",
        "rich>=13",
        "scikit-learn>=1.5",
        "scipy>=1.11",
        "tensorboard>=2.20",
        "tensorflow>=2.21,<2.22",
        "tensorflow-probability[tf]>=0.25,<0.26",
    ],
    extras_require={
        "cuda": ["tensorflow[and-cuda]>=2.21,<2.22"],
        "ray": ["ray>=2.50"],
        "lightgbm": ["lightgbm>=4.3"],
        "onnx": ["onnx>=1.17", "tf2onnx>=1.17"],
        "dev": [
            "hypothesis>=6.100",
            "lightgbm>=4.3",
            "mypy>=1.15",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ray>=2.50",
            "ruff>=0.15",
        ],
    },
)
