"""What leaves the house clean: archives of chosen patches, and cards of data."""
