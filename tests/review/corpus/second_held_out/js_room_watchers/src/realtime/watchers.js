import { supabase } from '../supabaseClient.js'
import { logger } from '../logger.js'

function logStatus(name) {
  return (status, err) => {
    if (err) logger.error({ err, name }, 'realtime failed')
    else logger.debug({ name, status }, 'realtime status')
  }
}

export function watchRoom(roomId, onMessage) {
  const channel = supabase
    .channel(`room-${roomId}`)
    .on(
      'postgres_changes',
      {
        event: 'INSERT',
        schema: 'public',
        table: 'messages',
        filter: `room_id=eq.${roomId}&hidden=eq.false`,
      },
      (payload) => onMessage(payload.new)
    )
    .subscribe(logStatus('room'))
  return () => supabase.removeChannel(channel)
}

export function watchMember(memberId, onChange) {
  const channel = supabase
    .channel(`member-${memberId}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'members', filter: `id=${memberId}` },
      (payload) => onChange(payload.new)
    )
    .subscribe(logStatus('member'))
  return () => supabase.removeChannel(channel)
}

export function watchStates(onChange) {
  const channel = supabase
    .channel('room-states')
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'rooms', filter: 'state=in.open,locked' },
      (payload) => onChange(payload.new)
    )
    .subscribe(logStatus('states'))
  return () => supabase.removeChannel(channel)
}
