"""Facts of the data, without any input or output: bands, names, tiles, seasons, classes."""
