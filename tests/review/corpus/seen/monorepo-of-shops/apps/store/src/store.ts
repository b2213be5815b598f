import { create } from 'zustand'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from './supabase'

interface State {
  channel: RealtimeChannel | null
  status: string
  lines: { id: number; text: string }[]
  open(docId: number): void
  close(): Promise<void>
}

export const useDocument = create<State>((set, get) => ({
  channel: null,
  status: 'CLOSED',
  lines: [],
  open(docId) {
    const channel = supabase
      .channel(`doc-${docId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'lines', filter: `doc_id=eq.${docId}` },
        (payload) => set((state) => ({ lines: [...state.lines, payload.new as State['lines'][number]] })),
      )
      .subscribe((status) => set({ status }))
    set({ channel })
  },
  async close() {
    const { channel } = get()
    if (channel) await supabase.removeChannel(channel)
    set({ channel: null })
  },
}))
