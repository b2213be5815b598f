import { supabase } from './supabase.js'

export function drawChart(chart, sensorId) {
  const channel = supabase
    .channel(`sensor-${sensorId}`)
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'readings', filter: `sensor_id=eq.${sensorId}` },
      ({ new: reading }) => chart.add(reading.at, reading.value),
    )
    .subscribe((status) => {
      if (status === 'SUBSCRIBED') chart.start()
    })

  return {
    stop() {
      supabase.removeChannel(channel)
    },
  }
}
