"""Delta tables: read pinned, stage, commit, quarantine, ledger, releases."""
