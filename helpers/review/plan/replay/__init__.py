"""An application's subscriptions, carried out in a lab before and after a change.

`shapes` and `subscriptions` are data, `script` and `values` judgement without I/O; `stage` makes the tables; `clients`
is a process that listens, told by `orders` what `casting` made of the data; `comparing` runs both in turns.
"""
