"""Python, Dart, Swift and Kotlin, in whose libraries a subscription is a chain of calls with named arguments.

Each language says in a module of its own how its trees spell chains, texts and scopes, and what its library calls
things; what becomes of them is the same for all.
"""
