"""What a paper has to say of its data: hashes, counts, split, statistics; and whether data are those."""
