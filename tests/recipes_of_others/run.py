import os

print(f"the application: {app.__class__.__name__}, of the part: {os.environ['OF_THE_INSTANCE']}")  # noqa: F821
