import React from 'react'
import { supabase } from './supabase'

export class Meter extends React.Component {
  state = { value: 0, status: '' }

  componentDidMount() {
    this.channel = supabase
      .channel(`meter-${this.props.id}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'readings', filter: `meter_id=eq.${this.props.id}` },
        (payload) => this.setState({ value: payload.new.value }),
      )
      .subscribe((status) => this.setState({ status }))
  }

  render() {
    return <meter value={this.state.value} title={this.state.status} />
  }
}
