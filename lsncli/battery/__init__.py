"""The battery: the paper's evaluation of a loss, noise model or architecture, as recipes, tables and claims."""
