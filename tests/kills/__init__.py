"""Kill processes at random moments of what they write, and look at what is left: ``make kills``."""
