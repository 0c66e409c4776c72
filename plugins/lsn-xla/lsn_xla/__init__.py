"""The TPU backend of lsn, through torch_xla, and the executor that trains on all cores of a TPU."""
