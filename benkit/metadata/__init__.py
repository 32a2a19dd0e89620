"""The metadata of an archive: a row a patch, with its labels."""
