"""The mathematics of a step: tensors in, tensors out. No files, no configuration, no models."""
