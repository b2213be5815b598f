import { supabase } from './supabase'

export const audit = supabase
  .channel('realtime')
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'audit' }, (payload) => console.table(payload.new))
  .subscribe((status, error) => {
    if (error) console.error(status, error)
  })
