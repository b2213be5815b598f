"""The protocol of Supabase Realtime without any I/O: frames, joins, filters, events, the life of a channel."""
