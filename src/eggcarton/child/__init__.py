"""The one process of a run that resolves, fetches, unpacks and renders, in a closed set of libraries.

What zc.buildout's process imports is steered by the user's ``[versions]``; what runs here is not.
"""
