"""What the database of a code base looks like, as far as its files tell."""
