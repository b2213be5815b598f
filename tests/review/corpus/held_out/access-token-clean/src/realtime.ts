import { createClient } from '@supabase/supabase-js'
import { auth0 } from './auth0'

export const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_ANON_KEY, {
  accessToken: async () => (await auth0.getTokenSilently()) ?? null,
  realtime: { heartbeatIntervalMs: 15_000, timeout: 20_000, worker: true },
})

export function onBuild(repository: number, show: (state: string) => void) {
  const builds = supabase
    .channel(`builds-${repository}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'ci', table: 'builds', filter: `repository_id=eq.${repository}` },
      ({ new: { state } }) => show(state)
    )
    .subscribe((status, error) => {
      if (status === 'CHANNEL_ERROR') show(`offline: ${error?.message}`)
    })
  window.addEventListener('pagehide', () => supabase.removeChannel(builds), { once: true })
}
