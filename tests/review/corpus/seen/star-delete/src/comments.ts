import { supabase } from './supabase'

export function watchComments(postId: string, view: { put(row: unknown): void; drop(id: string): void; status(s: string): void }) {
  const channel = supabase
    .channel(`comments:${postId}`)
    .on('postgres_changes', { event: '*', schema: 'public', table: 'comments', filter: `post_id=eq.${postId}` }, (payload) => {
      if (payload.eventType === 'DELETE') view.drop(payload.old.id)
      else view.put(payload.new)
    })
    .subscribe((status) => view.status(status))
  return () => supabase.removeChannel(channel)
}

export function countLikes(postId: string, show: (likes: number) => void, status: (s: string) => void) {
  const channel = supabase
    .channel(`likes:${postId}`)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'comments', filter: `post_id=eq.${postId}` }, (payload) => {
      show(payload.new.likes)
    })
    .subscribe((next) => status(next))
  return () => supabase.removeChannel(channel)
}
