import debounce from 'lodash/debounce'
import { useEffect, useMemo, useState } from 'react'
import { supabase } from './supabase'

export function useReport(reportId: string) {
  const [lines, setLines] = useState<any[]>([])
  const [status, setStatus] = useState('')
  const reload = useMemo(
    () =>
      debounce(async () => {
        const { data } = await supabase.from('report_lines').select().eq('report_id', reportId)
        setLines(data ?? [])
      }, 1000),
    [reportId],
  )

  useEffect(() => {
    reload()
    const channel = supabase
      .channel(`report:${reportId}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'report_lines', filter: `report_id=eq.${reportId}` },
        () => reload(),
      )
      .subscribe(setStatus)
    return () => {
      reload.cancel()
      supabase.removeChannel(channel)
    }
  }, [reportId, reload])

  return { lines, status }
}
