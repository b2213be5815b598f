"""Edits of an application's code and new migrations, made only where the code shows that they keep the behaviour.

`scripts`, `names` and `objects` read a file's syntax tree; a module for each kind of change makes its edits, or raises
`Refused` with what is missing; `edits` makes diffs of them.
"""
