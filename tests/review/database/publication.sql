create publication supabase_realtime;
