"""Self-contained files that a plan copies beside the running application."""
