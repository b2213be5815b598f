import { RoomsList } from '@/components/rooms-list';

export default function Home() {
  return (
    <main>
      <h1>Rooms</h1>
      <RoomsList />
    </main>
  );
}
