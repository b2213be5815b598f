"""The lab's Realtime server: WebSockets, channels, broadcast, presence, tokens."""
