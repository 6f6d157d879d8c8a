"""Events at rest: immutable Parquet segments by bucket of subjects, read back as tapes or by SQL."""
