"""A lab under mixed load for minutes, and the proof that it loses nothing, doubles nothing and keeps nothing.

`plan` says how much of what; `world` makes the tables, in which a trigger writes down each committed change (`ledger`).
`writers` change rows, `senders` broadcast, `visitors` come and go, `stayers` subscribe once and note what they hear.
At the end `verdict` compares what they heard with the ledger, `leftovers` looks for what is still held of those who are
gone, and `memory` tells whether the processes grew. `soak` is the whole, `report` its words.
"""
