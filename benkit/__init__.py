"""benkit."""
