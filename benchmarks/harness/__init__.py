"""What ``speed.py`` is made of: one process for each library, comparisons, facts about synfwp alone, and tables."""
