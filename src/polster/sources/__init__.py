"""What bronze reads: a source says what is new before anything of it is read.

A bronze function returns a frame, or a :class:`Source`, such as what :func:`files` makes.
"""

from polster.sources.file_source import files
from polster.sources.source import BadFile, Batch, Known, Source

__all__ = ["BadFile", "Batch", "Known", "Source", "files"]
