"""The lab's Realtime server: WebSockets, channels, broadcast, presence, tokens.

A connection's way: `upgrade` reads its first request and asks `handshake`; from then on it is a `socket`, which reads
its messages with `inbox`, and answers through an `outbox`. A `joining` turns a client's wish (`joins`) into a
`channel` of a topic (`topics`), after asking the database if the topic is private (`policies`, `replay`). A channel
handles broadcasts (`broadcast`), presence (`channel_presence`, `presence`), new tokens (`tokens`) and changes
(`changes_link`); a `fanout` brings what one of them sends to the rest. `keyset` is for tokens that other keys than the
shared secret signed. `hub` is what they share, `limits` what they count, `counts` and `monitoring` what Prometheus is
told of it, `http` the way in without a socket, and `server` the whole.
"""
