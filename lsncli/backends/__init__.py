"""Device backends: where tensors live and how a step is made fast."""
