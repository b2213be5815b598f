import { notFound } from 'next/navigation';
import { ChatRoom } from '@/components/chat-room';

export default async function RoomPage({ params }: { params: Promise<{ roomId: string }> }) {
  const roomId = Number((await params).roomId);
  if (!Number.isInteger(roomId)) notFound();
  return <ChatRoom roomId={roomId} />;
}
