"""The search for the side of each patch."""
