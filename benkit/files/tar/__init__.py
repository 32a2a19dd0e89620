"""Files in a tar, found without extracting any."""
