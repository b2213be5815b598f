"""From what a review found to changes that may pay: what is edited, and what is replayed for it.

`application` makes of an inventory what can be replayed. `findings` makes a change of each finding, by a builder for
each rule: `narrowing`, `sharing`, `lifetimes`, `lists`, `database`, which have of `reviewed` what they are made from.
`broadcasting` proposes one for rows that many are sent. All are made of `proposal`.
"""
