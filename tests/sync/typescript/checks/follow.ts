// A copy of the messages of one room, kept through every fault: by the change log, or by `updatedAt`.

import { finish, heard, prisma, say, settings, supabaseClient } from './harness.js';
import { ChangeLog } from './sync/change-log.js';
import { messageModel, type MessageEffect, type MessageKey, type MessageRow } from './sync/message.model.js';
import { messageTable } from './sync/message.table.js';
import { keyText } from './sync/model.js';
import { Revalidator } from './sync/revalidate.js';
import { Subscription } from './sync/subscription.js';
import { UpdatedAt } from './sync/updated-at.js';
import { BatchWriter } from './sync/write.js';
import { mirroredMessageTable } from './sync/mirroredMessage.table.js';

const table = messageTable(prisma);
const room = BigInt(String(settings['room']));
const revalidator = new Revalidator(table.findByKeys, messageModel.keyOf);
const refetch = (key: MessageKey): Promise<MessageRow | null> => revalidator.refetch(key);
const supabase = supabaseClient(settings.secret);
const source =
  settings['source'] === 'log'
    ? new ChangeLog(supabase, messageModel, refetch)
    : new UpdatedAt(table, messageModel, (row) => row.updatedAt, refetch, { overlapMs: 5_000 });

const rejected: string[] = [];
const mirror = mirroredMessageTable(prisma);
const writer = new BatchWriter(mirror.write, { onRejected: (_, error) => rejected.push(String(error)) });
const bodies: Record<string, string[]> = {};
const states: string[] = [];
let failures = Number(settings['failures'] ?? 0);

async function take(effects: readonly MessageEffect[]): Promise<void> {
  // An application that fails now and then: nothing may be lost by that.
  if (failures > 0 && Math.random() < 0.3) {
    failures -= 1;
    throw new Error('the application failed');
  }
  for (const effect of effects) {
    if (effect.type === 'upsert' && effect.row.roomId !== room) continue;
    (bodies[keyText(effect.key)] ??= []).push(effect.type === 'upsert' ? effect.row.body : '(deleted)');
    await writer.add(effect);
  }
}

const resets: string[] = [];

/** What is copied is void: all of it again. */
async function copyAnew(reason: string): Promise<void> {
  resets.push(reason);
  await writer.settle();
  await prisma.mirroredMessage.deleteMany({ where: { roomId: room } });
  for (const row of await prisma.message.findMany({ where: { roomId: room } })) {
    await writer.add({ type: 'upsert', key: messageModel.keyOf(row), row });
  }
  await writer.settle();
}

const subscription = new Subscription<MessageRow, MessageKey, never>(supabase, source as never, {
  onEffects: take,
  onReset: copyAnew,
  onState: (state, reason) => {
    states.push(reason ? `${state}: ${reason}` : state);
    say('state', state);
  },
  pollAfterMs: Number(settings['pollAfterMs'] ?? 300),
  pollMinMs: 200,
  retryBaseMs: 100,
  auditMs: Number(settings['auditMs'] ?? 1_000),
}).start();

for (let word = await heard(); word !== 'end' && word !== ''; word = await heard()) {
  if (word === 'report') await subscription.check();
  await writer.settle();
  say('report', { bodies, states, resets, rejected, counts: subscription.counts, writer: writer.counts, refetches: revalidator.counts });
}
await subscription.close();
say('closed', { state: subscription.state, error: subscription.error?.message ?? null });
await finish();
