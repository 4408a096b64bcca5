from setuptools import setup

setup(
    name="developed",
    version="1.0",
    packages=["developed"],
    install_requires=["zope.interface"],
    extras_require={"web": ["waitress"]},
    entry_points={"console_scripts": ["developed = developed.told:main"]},
    test_suite="developed.tests",
)
