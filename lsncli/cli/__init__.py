"""Typer declarations, one file per noun: parse, call, print, nothing else."""
