"""The parts that every data set has."""

SPLITS = ("train", "test")
