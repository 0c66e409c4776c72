"""Estimators of the transition matrix for lsn, and the two of them that are learnt with the network, as losses."""
