import type { Message } from '@/lib/types';

export function MessageItem({ message, name }: { message: Message; name: string }) {
  if (message.kind === 'system') {
    return <li className="system">{message.body}</li>;
  }
  return (
    <li>
      <b>{name}</b> <span>{message.body}</span>
      {message.updated_at !== message.created_at && <i> (edited)</i>}
    </li>
  );
}
