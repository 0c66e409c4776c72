"""Data sets: the catalogue, the readers, and the cache of decoded arrays with a content digest."""
