"""CSV and TSV: delimiter and header, splitting by positions, the check of cells."""
