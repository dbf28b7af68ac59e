"""Tests of the trainer, arranged as it is."""

from hypothesis import settings

# A busy machine makes any example slow; how fast the code is belongs in `npm run bench`.
settings.register_profile("trainer")
settings.load_profile("trainer")
