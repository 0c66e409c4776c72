"""The training engine: turns RunSpecs into a stream of events; knows nothing of databases."""
