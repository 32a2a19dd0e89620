"""What callers give: paths, URLs, tables and values, made into values, and which patches are meant."""
