import { supabase } from './supabase.js'

export async function demo(onRow, onStatus) {
  const channel = supabase
    .channel('demo')
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'demo' }, (payload) => onRow(payload.new))
    .subscribe(onStatus)
  await supabase.from('demo').insert({ text: 'hello' })
  return () => supabase.removeChannel(channel)
}

export async function patient(onRow, onStatus) {
  const channel = supabase
    .channel('patient', { config: { postgres_changes_options: { wait: true } } })
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'demo' }, (payload) => onRow(payload.new))
    .subscribe(async (status, error) => {
      onStatus(status, error)
      if (status === 'SUBSCRIBED') await supabase.from('demo').insert({ text: 'hello' })
    })
  return () => supabase.removeChannel(channel)
}
