import { Component, OnDestroy, OnInit } from '@angular/core'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { SupabaseService } from './supabase.service'

@Component({ selector: 'app-tickets', templateUrl: './tickets.component.html' })
export class TicketsComponent implements OnInit, OnDestroy {
  tickets: { id: string; queue: string }[] = []
  status = ''
  queue = 'support'
  private channel?: RealtimeChannel

  constructor(private readonly supabase: SupabaseService) {}

  ngOnInit() {
    this.channel = this.supabase.client
      .channel('tickets')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'tickets' }, (payload) => {
        if (payload.new['queue'] !== this.queue) return
        this.tickets = [...this.tickets, payload.new as never]
      })
      .subscribe((status) => (this.status = status))
  }

  ngOnDestroy() {
    if (this.channel) this.supabase.client.removeChannel(this.channel)
  }
}
