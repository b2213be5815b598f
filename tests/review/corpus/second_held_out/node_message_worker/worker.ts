import { PrismaClient } from '@prisma/client';
import { createClient } from '@supabase/supabase-js';

const prisma = new PrismaClient();
const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!);

const channel = supabase
  .channel('message-worker')
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, async (payload) => {
    await prisma.auditEntry.create({ data: { source: 'messages', row: payload.new } });
    // keep Prisma in sync
    await prisma.message.create({ data: payload.new });
  })
  .subscribe();

process.on('SIGTERM', async () => {
  await supabase.removeChannel(channel);
  await prisma.$disconnect();
  process.exit(0);
});
