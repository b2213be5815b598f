import { useFocusEffect } from '@react-navigation/native'
import { useCallback, useState } from 'react'
import { FlatList, Text } from 'react-native'
import { supabase } from '../supabase'

export function Chat({ roomId }: { roomId: string }) {
  const [lines, setLines] = useState<{ id: string; text: string }[]>([])
  const [status, setStatus] = useState('')

  useFocusEffect(
    useCallback(() => {
      const channel = supabase
        .channel(`chat:${roomId}`)
        .on(
          'postgres_changes',
          { event: 'INSERT', schema: 'public', table: 'lines', filter: `room_id=eq.${roomId}` },
          (payload) => setLines((all) => [...all, payload.new as never]),
        )
        .subscribe((next) => setStatus(next))
      return () => {
        supabase.removeChannel(channel)
      }
    }, [roomId]),
  )

  return <FlatList data={lines} renderItem={({ item }) => <Text>{item.text}</Text>} ListHeaderComponent={<Text>{status}</Text>} />
}
