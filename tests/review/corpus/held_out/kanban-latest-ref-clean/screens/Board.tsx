import { useCallback, useState } from 'react'
import { Text, View } from 'react-native'
import { useRealtimeTable } from '../hooks/useRealtimeTable'

export function Board({ boardId }: { boardId: number }) {
  const [moves, setMoves] = useState(0)
  useRealtimeTable('cards', `board_id=eq.${boardId}`, useCallback(() => setMoves((n) => n + 1), []))
  return (
    <View>
      <Text>{moves} moves since you came</Text>
    </View>
  )
}
