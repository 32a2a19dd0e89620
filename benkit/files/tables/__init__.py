"""Tables on disk: CSV, Parquet, GeoParquet, JSON."""
