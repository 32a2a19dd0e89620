"""The inventory on disk: its columns, its file, its checks."""
