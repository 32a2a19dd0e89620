"""Files in general: nothing here knows of patches."""
