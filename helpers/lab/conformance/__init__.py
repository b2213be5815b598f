"""The conformance run: replays what a genuine Realtime server was sent, and compares what comes back.

`recording` reads the files of data/recordings; `replay` does their steps on a `server`, through `connection`s, with
the tokens that `tokens` mints, and with what `cues` know of the steps that were written down as notes only. `compare`
holds the answers against the recorded ones, after `volatile` has replaced what differs from run to run; `deliberate`
lists the differences that are meant. `plan` says which scenarios run where and how fast, `run` runs them.

    python -m helpers.lab.conformance [--scenario NAME …] [--show] [--server FILE]
"""
