"""Starts a worker on every core; see :mod:`lsn_xla.launching`."""

# In a file of its own: the workers must find the launching module under its name, and not as __main__.
from lsn_xla.launching import main

if __name__ == "__main__":
    main()
