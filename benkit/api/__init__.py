"""The public functions, one a verb: they take what people have, and call one room."""
