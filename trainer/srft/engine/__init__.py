"""The engine: policy, sampler, training pass, checkpoint, evaluation. It knows models and devices, but no method."""
