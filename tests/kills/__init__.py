"""Processes that are killed again and again, at any point of their work, and must have lost nothing in the end.

python -m tests.kills --times 100
"""
