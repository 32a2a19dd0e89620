"""The page that tells whether an archive is whole, what is in it and how it is split."""
