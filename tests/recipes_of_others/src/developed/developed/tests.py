"""Tests of what is developed here."""

import os
import unittest

from zope.interface import Interface, implementer, providedBy


class IGreets(Interface):
    """What greets."""


@implementer(IGreets)
class Greeter:
    """It does."""


class Tests(unittest.TestCase):
    """They pass."""

    def test_interface(self):
        assert IGreets in providedBy(Greeter())

    def test_environment(self):
        assert "set" == os.environ["OF_THE_TESTS"]
