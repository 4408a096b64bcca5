"""The commands of ``bin/eggcarton``, one module each: ``HELP``, ``arguments`` that declares them, and ``run``."""
