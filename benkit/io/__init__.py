"""The only room that opens files: archives, GeoTIFFs, tables, reference maps, safe writing."""
