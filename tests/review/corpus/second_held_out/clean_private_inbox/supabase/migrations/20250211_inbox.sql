create policy "own inbox"
  on realtime.messages
  for select
  to authenticated
  using (realtime.topic() = 'user:' || (select auth.uid())::text);
