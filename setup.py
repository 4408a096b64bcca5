"""The metadata of eggcarton: its recipes are entry points, as zc.buildout finds them."""

from pathlib import Path

from setuptools import find_packages, setup

RECIPES = ("scripts", "eggs", "test", "coverage", "wsgi", "template", "pins", "mirrors")

setup(
    name="eggcarton",
    version="0.1.0.dev0",
    description="zc.buildout recipes and one extension: a web application built reproducibly from one config file",
    long_description=Path(__file__).with_name("README.rst").read_text("utf-8"),
    long_description_content_type="text/x-rst",
    license="ZPL-2.1",
    license_files=["LICENSE.txt"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Framework :: Buildout",
        "Framework :: Buildout :: Extension",
        "Framework :: Buildout :: Recipe",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Software Development :: Build Tools",
    ],
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={
        "eggcarton.packages": ["closed-set.txt"],
        "eggcarton": ["py.typed", "vendored/*.txt", "checkouts/**/*.in"],
    },
    python_requires=">=3.10",
    # A stock zc.buildout resolves what an extension requires under its user's [versions]: so nothing is required, and
    # what is needed is checked, or got, by code. See docs/decisions/extensions-of-a-stock-buildout.rst.
    install_requires=[],
    extras_require={
        "test": [
            "coverage",
            "hypothesis",
            "manuel",
            # The type checkers that environments are tried with are this one, and pyright, which a test fetches.
            "mypy",
            "packaging>=26.1",
            "pytest",
            "pytest-xdist",
            "trustme",
            "waitress",
            "zc.buildout>=5.2",
            "zc.recipe.egg>=2.0.7",
            # What the closed set holds, for the tests of what runs there.
            "Jinja2",
            'tomli; python_version < "3.11"',
            "truststore",
            "urllib3>=2",
        ],
        "check": ["mypy", "ruff"],
    },
    entry_points={
        "zc.buildout": [
            "default = eggcarton.buildout.entrypoints:scripts",
            *(f"{name} = eggcarton.buildout.entrypoints:{name}" for name in RECIPES),
        ],
        "zc.buildout.extension": ["default = eggcarton.buildout.extension:load"],
        "zc.buildout.unloadextension": ["default = eggcarton.buildout.extension:unload"],
        "console_scripts": ["eggcarton = eggcarton.buildout.start:eggcarton"],
    },
    zip_safe=False,
)
