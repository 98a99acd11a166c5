"""From files to records: bytes, lines, JSON, Parquet. Nothing here knows what a record means."""
