"""What ``speed.py`` is made of: one process for each library, comparisons, measurements of synfwp alone, and tables."""
