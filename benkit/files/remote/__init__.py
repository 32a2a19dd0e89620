"""Files at a distance: S3, Google Cloud Storage, web servers."""
