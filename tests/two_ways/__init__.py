"""Two pipelines between the same two CRMs, one in each direction, on one ledger."""
