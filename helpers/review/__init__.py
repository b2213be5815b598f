"""The subscription review: from an application's code to a plan.

`files` says what is read, `code` and `database` turn it into an `inventory`, `rules` judge that.
"""
