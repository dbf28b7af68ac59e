"""Comparisons on the demo's task; `npm run experiments` runs them all and writes docs/experiments.md anew."""
