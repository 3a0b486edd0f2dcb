"""Packaging of opengait_mimic."""

from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent

setup(
    name="opengait_mimic",
    version="0.1.0",
    description="MimicGait as a plugin of OpenGait: occluded gait recognition on any backbone",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.9",
    packages=[*find_packages(include=["opengait_mimic", "opengait_mimic.*"]), "opengait_mimic.configs"],
    package_dir={"opengait_mimic.configs": "configs"},
    package_data={
        "opengait_mimic": [
            "host/embedded/*.py",
            "host/embedded/**/*.py",
            "host/embedded/**/*.yaml",
            "evaluation/report/page.html",
            "evaluation/report/style.css",
        ],
        "opengait_mimic.configs": ["**/*.yaml"],
    },
    install_requires=[
        "torch>=2.6,<2.14",
        "numpy>=1.24,<3",
        "pyyaml>=6,<7",
        "kornia>=0.8,<0.10",
        "pydantic>=2.7,<3",
        "tqdm>=4.60,<5",
        "filelock>=3.12,<4",
        "eval-type-backport>=0.2,<1; python_version < '3.10'",
    ],
    extras_require={
        "report": ["jinja2>=3.1,<4"],
        "tensorboard": ["tensorboard>=2.14,<3"],
        "docs": ["mkdocs-material>=9.5,<10", "mkdocstrings[python]>=0.26,<2"],
        "lint": ["ruff>=0.17,<0.18", "import-linter>=2,<3"],
        "test": [
            "jinja2>=3.1,<4",
            "hypothesis>=6.100,<7",
            "pillow>=10",
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "pytorch-metric-learning>=2.5,<3",
            "scikit-learn>=1.3,<2",
            "scipy>=1.10,<2",
            "tensorboard>=2.14,<3",
        ],
    },
    entry_points={"console_scripts": ["opengait-mimic = opengait_mimic.cli:main"]},
)
