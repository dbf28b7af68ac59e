"""SRFT trainer: supervised reinforcement fine-tuning (arXiv 2506.19767) and its baselines.

The rooms of this package, and what each may import, are described in ARCHITECTURE.md and held by tests/test_imports.py.
"""

__version__ = "0.1.0"
