"""Run this pipeline: python run_polster.py [--asset KEY] [--status] [--ui]."""

from polster.cli.script import main

if __name__ == "__main__":
    main(__file__)
