import type { RealtimeChannel, SupabaseClient } from '@supabase/supabase-js'

type Listener = (symbol: string, price: number) => void

export class PriceFeed {
  private channels: RealtimeChannel[] = []

  constructor(
    private readonly client: SupabaseClient,
    private readonly listener: Listener,
  ) {}

  watch(symbols: string[]) {
    for (const symbol of symbols) {
      const channel = this.client
        .channel(`price-${symbol}`)
        .on(
          'postgres_changes',
          { event: 'UPDATE', schema: 'public', table: 'prices', filter: `symbol=eq.${symbol}` },
          (payload) => this.listener(symbol, payload.new.price),
        )
        .subscribe((status) => {
          if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') console.warn(symbol, status)
        })
      this.channels.push(channel)
    }
  }

  async close() {
    for (const channel of this.channels) await this.client.removeChannel(channel)
    this.channels = []
  }
}
