"""Reference maps: their labels, their ground, and which of them overlap."""
