"""What every package may need and nobody outside should: files, tables, arrays, threads, optional dependencies."""
