"""Remote files: S3, Google Cloud Storage, web servers."""
