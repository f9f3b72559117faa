"""``python -m polster``: the same as the command ``polster``."""

from polster.cli.app import main

if __name__ == "__main__":
    main()
