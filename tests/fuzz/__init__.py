"""The fuzzing job: random calls of every public entry point, each in a random disguise, and a judge of what comes back.

``cases`` has the words, ``disguises`` the table of what a value can look like, ``judge`` decides how a call ended,
``entries`` the table of entry points with their twins, ``job`` counts. ``python -m fuzz --help``, in ``tests/``.
"""
