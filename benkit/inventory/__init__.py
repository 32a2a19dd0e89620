"""The inventory of an archive, and the questions that it answers."""
