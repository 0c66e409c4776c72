"""``python -m lsncli`` is ``lsn``."""

from lsncli.cli.main import main

if __name__ == "__main__":
    main()
