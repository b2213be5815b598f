import { supabase } from './supabase'

type Desk = { arrived(id: string, day: string): void; freed(id: string): void; status(text: string): void }

export function watchReception(roomId: string, floor: number, desk: Desk) {
  const channel = supabase
    .channel(`reception:${roomId}`)
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'bookings', filter: `roomId=eq.${roomId}` },
      (payload) => desk.arrived(payload.new.id, payload.new.checkIn),
    )
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'Room', filter: `floor=eq.${floor}` },
      (payload) => desk.freed(payload.new.id),
    )
    .on(
      'postgres_changes',
      { event: 'DELETE', schema: 'public', table: 'hotel_rooms', filter: `storey=eq.${floor}` },
      (payload) => desk.freed(payload.old.id),
    )
    .subscribe(desk.status)
  return () => supabase.removeChannel(channel)
}
