import { supabase } from './supabase.js'

export function watch(list, render) {
  const channel = supabase
    .channel(`list-${list}`)
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'Todos', filter: `list_id=eq.${list}` }, render)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'todos', filter: `list=eq.${list}` }, render)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', filter: `list_id=eq.${list}` }, render)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'lists' }, render)
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'secrets' }, render)
    .subscribe((status, error) => console.log(status, error))
  return () => supabase.removeChannel(channel)
}
