"""Write archives of chosen patches."""
