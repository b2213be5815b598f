alter publication supabase_realtime add table rooms, members, messages, profiles, events;
