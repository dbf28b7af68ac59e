"""Tests of the embedded demo: its task, its data, its base model."""
