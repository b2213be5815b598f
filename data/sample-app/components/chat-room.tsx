'use client';

import { useMessages } from '@/hooks/use-messages';
import { useProfiles } from '@/hooks/use-profiles';
import { useTyping } from '@/hooks/use-typing';
import { useUser } from '@/hooks/use-user';
import { sentence } from '@/lib/format';
import { Cursors } from './cursors';
import { MembersPanel } from './members-panel';
import { MessageForm } from './message-form';
import { MessageItem } from './message-item';
import { RoomHeader } from './room-header';

export function ChatRoom({ roomId }: { roomId: number }) {
  const user = useUser();
  const names = useProfiles();
  const messages = useMessages(roomId);
  const me = (user && names.get(user.id)) ?? '';
  const typing = useTyping(roomId, me);

  return (
    <main>
      <RoomHeader roomId={roomId} />
      <ol className="messages">
        {messages.map((message) => (
          <MessageItem key={message.id} message={message} name={names.get(message.author) ?? 'somebody'} />
        ))}
      </ol>
      <p className="typing">{sentence(typing.names)}</p>
      <MessageForm roomId={roomId} onKeyDown={typing.onKeyDown} onSent={typing.onSent} />
      <MembersPanel roomId={roomId} names={names} />
      <Cursors roomId={roomId} name={me} />
    </main>
  );
}
