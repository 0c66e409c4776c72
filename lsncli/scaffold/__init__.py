"""New plugins: names, and the packages that ``lsn plugins new`` writes."""
