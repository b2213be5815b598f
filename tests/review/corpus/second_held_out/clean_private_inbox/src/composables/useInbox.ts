import { onScopeDispose, ref } from 'vue'
import { supabase } from '../supabase'

export function useInbox(userId: string) {
  const unread = ref(0)
  const failed = ref(false)

  const channel = supabase
    .channel(`user:${userId}`, { config: { private: true } })
    .on('broadcast', { event: 'mail' }, () => {
      unread.value++
    })
    .subscribe((status) => {
      failed.value = status === 'CHANNEL_ERROR' || status === 'TIMED_OUT'
    })

  onScopeDispose(() => {
    supabase.removeChannel(channel)
  })

  return { unread, failed }
}
