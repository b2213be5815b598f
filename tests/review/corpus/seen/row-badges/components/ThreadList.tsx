import { ThreadRow } from './ThreadRow'

export function ThreadList({ threads }: { threads: { id: string; subject: string }[] }) {
  return (
    <ul>
      {threads.map((thread) => (
        <ThreadRow key={thread.id} thread={thread} />
      ))}
    </ul>
  )
}
