"""Reading Polars plans: leaves, operators, nulls, columns. The plan visitor has its home here."""
