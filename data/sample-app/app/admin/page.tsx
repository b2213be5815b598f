import { ActivityFeed } from '@/components/activity-feed';
import { LiveCounts } from '@/components/live-counts';
import { SyncButton } from '@/components/sync-button';
import { plural } from '@/lib/format';
import { prisma } from '@/lib/prisma';

export const dynamic = 'force-dynamic';

export default async function Admin() {
  const [rooms, messages] = await Promise.all([prisma.room.count(), prisma.message.count()]);
  return (
    <main>
      <h1>
        {plural(rooms, 'room')}, {plural(messages, 'message')}
      </h1>
      <LiveCounts />
      <SyncButton />
      <ActivityFeed />
    </main>
  );
}
