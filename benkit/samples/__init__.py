"""Small archives in the course layout, made from a seed, with errors planted in them."""
