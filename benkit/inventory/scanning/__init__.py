"""Read every pixel of an archive once into an inventory."""
