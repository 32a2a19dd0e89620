"""The public functions, one a verb of the command line: they open what people have, and call a room.

A verb's arguments and options are the function's: where a verb takes a file, a path, an address and the
value or table that the file would give are taken alike, and an option that names an output is an
argument that is not needed: each function returns what it found, and writes where it is told to.
"""
