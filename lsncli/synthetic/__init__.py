"""Small problems that are solved, not trained: the losses of Figure 1 and the separators of Figure 5."""
