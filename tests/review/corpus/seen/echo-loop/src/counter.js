import { supabase } from './supabase.js'

const channel = supabase
  .channel('counters')
  .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'counters' }, async (payload) => {
    await supabase.from('counters').upsert(payload.new)
  })
  .subscribe((status, error) => console.log(status, error))

export const stop = () => supabase.removeChannel(channel)
