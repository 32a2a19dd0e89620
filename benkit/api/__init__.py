"""Public functions, one a verb of the command line: they open what people have, and call a room.

`scan`, `sample`, `retile` and `patchify`, which take paths alone, lie in the rooms of their subjects.

A verb's arguments and options are the function's: where a verb takes a file, a path, a URL and the
value or table that the file would give are taken alike, and an option that names an output is an
argument that is not needed: each function returns what it found, and writes where it is told to.

All of them raise `MissingInputError` where an input is not there, `InputFormatError` or `RasterError`
where it is damaged or something else, `PatchIdError` where a patch id is none, `OptionError` where an
argument makes no sense or is neither path, value nor table, and `OutputError` where an output cannot be
written. Their docstrings name what is raised besides.
"""
