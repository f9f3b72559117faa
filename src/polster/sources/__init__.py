"""What bronze reads: a source says what is new before anything of it is read.

A bronze function returns a frame, or a :class:`Source`.
"""

from polster.sources.source import Batch, Known, Source

__all__ = ["Batch", "Known", "Source"]
