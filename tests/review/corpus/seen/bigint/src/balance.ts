import type { Account } from '@prisma/client'
import { supabase } from './supabase'

export function watchBalance(accountId: string, teamId: number, show: (account: Account) => void, tell: (s: string) => void) {
  const channel = supabase
    .channel(`accounts:${teamId}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'accounts', filter: `team_id=eq.${teamId}` },
      (payload) => show(payload.new as Account),
    )
    .subscribe(tell)

  const own = supabase
    .channel(`account:${accountId}`, { config: { private: true } })
    .on('broadcast', { event: 'note' }, ({ payload }) => tell(payload.text))
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'accounts', filter: `team_id=eq.${teamId}` },
      (payload) => {
        if (payload.new.id === BigInt(accountId)) tell('created')
      },
    )
    .subscribe(tell)

  return async () => {
    await supabase.removeChannel(channel)
    await supabase.removeChannel(own)
  }
}
