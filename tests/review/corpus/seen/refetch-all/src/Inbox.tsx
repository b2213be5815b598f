import { useCallback, useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Inbox({ userId }: { userId: string }) {
  const [mails, setMails] = useState<any[]>([])
  const [status, setStatus] = useState('')

  const fetchMails = useCallback(async () => {
    const { data } = await supabase.from('mails').select('*').eq('owner', userId)
    setMails(data ?? [])
  }, [userId])

  useEffect(() => {
    fetchMails()
    const channel = supabase
      .channel(`inbox-${userId}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: 'mails', filter: `owner=eq.${userId}` }, () => {
        fetchMails()
      })
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [userId, fetchMails])

  return <table summary={status}>{mails.map((m) => <tr key={m.id}><td>{m.subject}</td></tr>)}</table>
}
