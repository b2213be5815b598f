"""What applications do again and again with each client: the processes in which leaks are looked for.

A room of its own, so that such a process imports little else.
"""
