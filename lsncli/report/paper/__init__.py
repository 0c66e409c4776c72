"""The published numbers as data, one file per table of the paper."""
