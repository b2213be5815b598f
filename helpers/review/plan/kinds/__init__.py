"""The kinds of change: what each needs to know to keep the behaviour, and the edits that make it."""
