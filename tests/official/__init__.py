"""The official clients, unmodified, against a lab: every Realtime feature that they offer.

`clients.py` is what the tests ask for in one form, `python_client.py` and `javascript_client.py` (with its script, in
one Node process) put it to the clients. Where the table names one test for both, it runs once with each.

| feature | Python (`supabase`, `realtime`) | JavaScript (`@supabase/supabase-js`) |
|---|---|---|
| **changes** (`test_changes.py`) | | |
| INSERT, UPDATE, DELETE, `*`; new and old rows | test_every_event | the same |
| every filter operator, `not.`, several conditions | test_filters | the same |
| filter builder | the client does not offer it | test_filter_builder |
| every table, every schema | test_wildcards | the same |
| `select` | test_selected_columns | the same |
| values in the types of the language | test_values | the same |
| row-level security, by user and key | test_row_level_security | the same |
| replica identity full and default; deletes under RLS | test_deleted_rows | the same |
| bindings that the server refuses | test_refused_bindings_in_python | test_refused_bindings_in_javascript |
| one binding twice | test_same_binding_twice | the same |
| `postgres_changes_options.wait` | the client does not offer it | test_waiting_for_changes, test_waiting_in_vain |
| **broadcast** (`test_broadcast.py`) | | |
| to others, `self` | test_to_others | the same |
| `ack` | test_acknowledgement, test_too_large | the same |
| listeners of one event and of `*` | test_listening_to_one_event | the same |
| `send` before joining | test_before_joining_in_python | test_before_joining |
| `http_send`, `httpSend` | test_over_http, test_too_large_over_http | the same |
| bytes through the socket | the client does not offer it (vsn 1.0.0) | test_binary |
| bytes over HTTP | test_binary_over_http | the same |
| `vsn` 1.0.0 and 2.0.0 | 1.0.0 only: test_among_versions_and_clients | test_among_versions_and_clients |
| `realtime.send` | test_from_the_database | the same |
| `realtime.send_binary` | cannot hear it: test_bytes_from_the_database | test_bytes_from_the_database |
| `realtime.broadcast_changes` | test_changes_by_trigger | the same |
| `replication_ready` | test_readiness_of_the_database | the same |
| several channels, removing one and all | test_several_channels | the same |
| leaving, joining anew | test_leaving_and_coming_back | the same |
| **private channels, replay** (`test_private.py`) | | |
| allowed, refused, read only | test_allowed, test_refused, test_read_only | the same |
| no answer without permission | as JavaScript | test_dropped_broadcast_is_not_acknowledged |
| over HTTP | test_over_http | the same |
| replay: `since`, `limit`, `meta` | test_replay, test_refused_replay | the same |
| replay in public | test_replay_in_public | the same |
| replay of bytes | cannot hear them (vsn 1.0.0) | test_replay_of_bytes |
| `persist` | the client does not offer it | test_storing_broadcasts |
| joining by itself after a refusal | test_joining_again_after_a_refusal | the same |
| **presence** (`test_presence.py`) | | |
| track, untrack, sync, join, leave, state | test_coming_and_going | the same |
| state on joining | test_who_comes_later | the same |
| keys: own, shared, the server's | test_one_key_twice, test_key_of_the_server | the same |
| a second track | test_tracking_anew | the same |
| a socket that closes | test_a_socket_that_closes | the same |
| not enabled; `enabled` | test_without_listening, test_enabled_without_listening | the same |
| a listener after the join | test_listening_later | the client does not offer it: it throws |
| on private channels | test_on_a_private_channel | the same |
| limit of calls | test_too_many_calls | the same |
| **keys and tokens** (`test_auth.py`) | | |
| publishable and anon, secret and service role keys | test_keys_for_clients, test_keys_for_servers | the same |
| a wrong key | test_wrong_key_in_python | test_wrong_key_in_javascript |
| accounts: sign up, then listen | test_whole_way (`test_changes.py`) | the same |
| `set_auth`, `setAuth` | test_becoming_somebody_else | the same |
| loss and gain of permission | test_losing_permission, test_gaining_permission | the same |
| expiry, refresh, a broken token | test_expiry, test_broken_token | the same |
| HS256, ES256 | test_algorithms | the same |
| `accessToken` callback | the client does not offer it | test_callback_for_tokens |
| `TIMED_OUT` | as JavaScript, but for the whole client | test_too_slow_a_join |
| **sockets** (`test_reconnect.py`) | | |
| disconnected by the operator: statuses, return | test_operator_disconnects, test_statuses_of_a_disconnect | the same |
| the operator's message | cannot read it | test_message_of_a_disconnect |
| `auto_reconnect=False` | test_without_coming_back | the client does not offer it |
| a server that ends and comes again | test_restart | the same |
| heartbeat callback and interval | no callback; every 15 s at the most often | test_heartbeats |
| `worker` | the client does not offer it | test_heartbeats_of_a_worker |
| `logger`, `logLevel`, `params` | test_parameters_of_the_python_client | test_logger_and_parameters |
| `transport`, `encode`, `decode`, `fetch` | the client does not offer them | test_parts_of_ones_own |
| `disconnectOnEmptyChannelsAfterMs` | the client does not offer it: it closes at once | test_leaving_the_last_channel |
| limit of channels | test_many_channels | the same |
| the synchronous client | offers no Realtime: its methods raise NotImplementedError | there is none |
"""
