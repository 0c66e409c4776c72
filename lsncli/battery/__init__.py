"""The battery: the paper's whole evaluation of any registered loss, as recipes, tables and tested hypotheses."""
