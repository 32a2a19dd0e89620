"""Where patches lie, and which of them show the same ground."""
