"""Pages, maps and pictures for people."""
