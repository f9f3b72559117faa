"""What is read while a command is still being typed: names of files, and text; nothing is run."""

from polster.project.discovery import asset_files
from polster.project.locate import find_project
from polster.project.written_contract import written_columns, written_rules

__all__ = ["asset_files", "find_project", "written_columns", "written_rules"]
