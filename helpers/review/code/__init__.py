"""From source files to facts, one package per family of languages."""
