"""Product pictures: silhouettes, fabrics, ornaments and backdrops, drawn with Pillow."""
