from setuptools import Extension, setup

setup(name="inplace", version="1.0", ext_modules=[Extension("inplace", ["inplace.c"])])
