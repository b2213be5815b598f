// Refetching, batched writing, optimistic updates and the outbox, against the lab's database.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'fake-indexeddb/auto';

import { finish, prisma, say, settings, supabaseClient } from './harness.js';
import { messageModel, type MessageEffect, type MessageKey, type MessageRow } from './sync/message.model.js';
import { messageTable } from './sync/message.table.js';
import { APPLIED_WRITES_SQL, once } from './sync/once.js';
import { OptimisticStore, RolledBack } from './sync/optimistic.js';
import { FileStorage } from './sync/outbox-file.js';
import { IndexedDbStorage } from './sync/outbox-indexeddb.js';
import { MemoryStorage, Outbox, type OutboxEntry, type OutboxStorage } from './sync/outbox.js';
import { Revalidator } from './sync/revalidate.js';
import { Snapshot } from './sync/snapshot.js';
import { Subscription } from './sync/subscription.js';
import { BatchWriter } from './sync/write.js';

const table = messageTable(prisma);
const author = '00000000-0000-4000-8000-000000000002';
const { id: roomId } = await prisma.room.create({ data: { name: 'patterns' } });

async function messages(count: number): Promise<MessageRow[]> {
  await prisma.message.createMany({ data: Array.from({ length: count }, (_, n) => ({ roomId, author, body: `${n}` })) });
  return prisma.message.findMany({ where: { roomId }, orderBy: { id: 'desc' }, take: count });
}

const checks: Record<string, () => Promise<void>> = {
  async 'a hundred refetches are one query, and a later one sees later changes'() {
    const rows = await messages(100);
    const revalidator = new Revalidator(table.findByKeys, messageModel.keyOf);
    const found = await Promise.all(rows.map(({ id }) => revalidator.refetch({ id })));
    assert.deepEqual(found, rows);
    assert.deepEqual(revalidator.counts, { asked: 100, queries: 1 });
    const [row] = rows;
    assert(row);
    await prisma.message.update({ where: { id: row.id }, data: { body: 'changed' } });
    const { stale, fresh } = revalidator.read({ id: row.id });
    assert.equal(stale?.body, row.body);
    assert.equal((await fresh)?.body, 'changed');
    assert.equal(await revalidator.refetch({ id: -1n }), null);
  },

  async 'whoever asks while a query runs gets the answer of the next one'() {
    const [row] = await messages(1);
    assert(row);
    let queries = 0;
    const slow = new Revalidator<MessageRow, MessageKey>(async (keys) => {
      const rows = await table.findByKeys(keys);
      if ((queries += 1) === 1) {
        await prisma.message.update({ where: { id: row.id }, data: { body: 'meanwhile' } });
        second = slow.refetch({ id: row.id });
      }
      return rows;
    }, messageModel.keyOf);
    let second: Promise<MessageRow | null> = Promise.resolve(null);
    assert.equal((await slow.refetch({ id: row.id }))?.body, row.body);
    assert.equal((await second)?.body, 'meanwhile');
    assert.equal(queries, 2);
  },

  async 'a query that fails is told to everyone who waits, and the next one works'() {
    let fails = true;
    const revalidator = new Revalidator<MessageRow, MessageKey>(async (keys) => {
      if (fails) throw new Error('no database');
      return table.findByKeys(keys);
    }, messageModel.keyOf);
    await assert.rejects(revalidator.refetch({ id: 1n }), /no database/);
    fails = false;
    assert.equal(await revalidator.refetch({ id: -1n }), null);
  },

  async 'changes are written in batches, twice without harm, and a bad one takes no other with it'() {
    const rows = await messages(50);
    const rejected: MessageEffect[] = [];
    const writer = new BatchWriter(table.write, { maxChanges: 100, onRejected: (effect) => rejected.push(effect) });
    const upserts = rows.map((row): MessageEffect => ({ type: 'upsert', key: { id: row.id }, row: { ...row, body: 'new' } }));
    const orphan = { ...upserts[0]!, key: { id: -5n }, row: { ...rows[0]!, id: -5n, roomId: -1n } } as MessageEffect;
    for (const effect of [...upserts.slice(0, 20), orphan, ...upserts.slice(20), ...upserts]) await writer.add(effect);
    await writer.settle();
    assert.equal(await prisma.message.count({ where: { roomId, body: 'new' } }), 50);
    assert.deepEqual(rejected, [orphan]);
    assert.equal(writer.counts.rejected, 1);
    assert(writer.counts.transactions < 20, `${writer.counts.transactions} transactions`);
  },

  async 'the last change of a row wins, and senders are held back'() {
    const [row] = await messages(1);
    assert(row);
    let most = 0;
    let waiting = 0;
    const writer = new BatchWriter<MessageRow, MessageKey>(
      async (effects) => {
        await table.write(effects);
        waiting -= effects.upserts.length + effects.deletes.length;
      },
      { maxChanges: 10, maxWaiting: 10, withinMs: 1 },
    );
    for (let n = 0; n < 95; n += 1) {
      const last: MessageEffect = { type: 'upsert', key: { id: row.id }, row: { ...row, body: `version ${n}` } };
      await writer.add(n % 10 === 3 ? { type: 'delete', key: { id: row.id } } : last);
      most = Math.max(most, (waiting += 1));
    }
    await writer.settle();
    assert.equal((await prisma.message.findUnique({ where: { id: row.id } }))?.body, 'version 94');
    assert.equal(writer.counts.written + writer.counts.folded, 95);
    assert(most < 95);
  },

  async 'a database that is away for a moment costs attempts, not changes'() {
    const [row] = await messages(1);
    assert(row);
    let away = 2;
    const writer = new BatchWriter<MessageRow, MessageKey>(async (effects) => {
      if ((away -= 1) >= 0) throw Object.assign(new Error('away'), { code: 'P1001' });
      await table.write(effects);
    });
    await writer.add({ type: 'upsert', key: { id: row.id }, row: { ...row, body: 'after all' } });
    await writer.settle();
    assert.equal((await prisma.message.findUnique({ where: { id: row.id } }))?.body, 'after all');
    assert.equal(writer.counts.retries, 2);
  },

  async 'an edit shows at once, and is taken back alone when the database refuses it'() {
    const [one, other] = await messages(2);
    assert(one && other);
    const store = new OptimisticStore<MessageRow, MessageKey>(messageModel.keyOf, { version: (row) => row.updatedAt });
    store.reset([one, other]);
    const send = (data: object) => (_: string, key: MessageKey) => prisma.message.update({ where: key, data });
    const good = store.apply({ id: other.id }, (row) => row && { ...row, body: 'good' }, send({ body: 'good' }));
    const bad = store.apply({ id: one.id }, (row) => row && { ...row, roomId: -1n }, send({ roomId: -1n }));
    const after = store.apply({ id: one.id }, (row) => row && { ...row, body: 'on top' }, send({ body: 'on top' }));
    assert.equal(store.get({ id: one.id })?.body, 'on top');
    assert.equal(store.getSnapshot().find(({ id }) => id === other.id)?.body, 'good');
    const [first, refused, undone] = await Promise.allSettled([good, bad, after]);
    assert.equal(first.status, 'fulfilled');
    assert(refused.status === 'rejected' && refused.reason instanceof RolledBack);
    assert(undone.status === 'rejected' && /an edit before it/.test(String(undone.reason)));
    assert.deepEqual(store.get({ id: one.id }), one);
    assert.equal((await prisma.message.findUnique({ where: { id: one.id } }))?.body, one.body, 'it was never sent');
    assert.equal(store.get({ id: other.id })?.body, 'good');
    assert.deepEqual(store.pending, []);
  },

  async 'a temporary row becomes the real one, for the edits on top of it too'() {
    const store = new OptimisticStore<MessageRow, MessageKey>(messageModel.keyOf);
    const draft = { ...(await messages(1))[0]!, id: -100n, body: 'draft' };
    const created = store.apply({ id: draft.id }, () => draft, () => prisma.message.create({ data: { roomId, author, body: 'draft' } }));
    const edited = store.apply({ id: draft.id }, (row) => row && { ...row, body: 'edited' }, (_, key) =>
      prisma.message.update({ where: key, data: { body: 'edited' } }),
    );
    assert.deepEqual(store.getSnapshot().map(({ body }) => body), ['edited']);
    const [real] = await Promise.all([created, edited]);
    assert(real && real.id > 0n);
    assert.deepEqual(store.getSnapshot().map(({ id, body }) => [id, body]), [[real.id, 'edited']]);
  },

  async 'echoes: before the answer, after it, older than what is known, and of a row that was deleted'() {
    const store = new OptimisticStore<MessageRow, MessageKey>(messageModel.keyOf, {
      version: (row) => row.updatedAt,
      editOf: (row) => (row.meta as { edit?: string }).edit,
    });
    const base = (await messages(1))[0]!;
    const at = (ms: number, more: Partial<MessageRow>): MessageRow => ({ ...base, updatedAt: new Date(ms), ...more });
    const upsert = (row: MessageRow): MessageEffect => ({ type: 'upsert', key: { id: row.id }, row });
    let answer!: (row: MessageRow) => void;
    let id = '';
    const done = store.apply({ id: -1n }, () => at(1, { id: -1n, body: 'draft' }), (edit) => {
      id = edit;
      return new Promise((resolve) => (answer = resolve));
    });
    const real = at(2, { body: 'draft', meta: { edit: id } });
    store.receive([upsert(real)]);
    assert.deepEqual(store.getSnapshot(), [real], 'the draft is not beside its echo');
    assert.deepEqual(await done, real);
    store.receive([upsert(at(3, { body: 'by another' }))]);
    answer(real);
    await new Promise(setImmediate);
    assert.equal(store.getSnapshot()[0]?.body, 'by another', 'a late answer does not win over what came after it');
    store.receive([upsert(real)]);
    assert.equal(store.getSnapshot()[0]?.body, 'by another');
    const edit = store.apply({ id: base.id }, (row) => row && { ...row, body: 'mine' }, () => new Promise((resolve) => (answer = resolve)));
    store.receive([{ type: 'delete', key: { id: base.id } }]);
    assert.deepEqual(store.getSnapshot(), []);
    answer(at(4, { body: 'mine' }));
    await edit;
    assert.deepEqual(store.getSnapshot(), [], 'an answer does not bring a deleted row back');
  },

  async 'the outbox keeps its order, survives a restart, and what is sent twice is applied once'() {
    await prisma.$executeRawUnsafe(APPLIED_WRITES_SQL);
    const folder = await mkdtemp(join(tmpdir(), 'outbox-'));
    const stores: Record<string, () => OutboxStorage> = {
      memory: ((kept) => () => kept)(new MemoryStorage()),
      file: () => new FileStorage(join(folder, 'journal')),
      indexeddb: () => new IndexedDbStorage('outbox'),
    };
    for (const [name, storage] of Object.entries(stores)) await sendsAll(name, storage);
  },

  async 'half a line at the end of the journal is not read'() {
    const path = join(await mkdtemp(join(tmpdir(), 'outbox-')), 'journal');
    const storage = new FileStorage(path);
    await storage.load();
    await storage.put({ id: 'a', sequence: 1, key: 'k', kind: 'x', body: 1, attempts: 0 });
    await storage.close();
    await writeFile(path, `${await readFile(path, 'utf8')}{"put":{"id":"b"`);
    assert.deepEqual((await new FileStorage(path).load()).map(({ id }) => id), ['a']);
  },

  async 'what is refused is set aside with its reason, and only its row waits'() {
    const sent: string[] = [];
    const refuse = new Set(['bad']);
    const outbox = await Outbox.open(new MemoryStorage(), async ({ kind }) => {
      if (refuse.has(kind)) throw Object.assign(new Error('no such room'), { status: 409 });
      sent.push(kind);
    });
    const bad = await outbox.add('one', 'bad', {});
    await outbox.add('one', 'after bad', {});
    await outbox.add('two', 'other', {});
    await outbox.settle();
    assert.deepEqual(sent, ['other']);
    assert.equal(outbox.entries[0]?.parked, 'no such room');
    refuse.clear();
    await outbox.unpark(bad);
    await outbox.settle();
    assert.deepEqual(sent, ['other', 'bad', 'after bad']);
    assert.deepEqual(outbox.entries, []);
    await outbox.close();
  },

  async 'a conflict is settled by what the application says'() {
    const sent: unknown[] = [];
    const refusal = Object.assign(new Error('conflict'), { status: 409 });
    const outbox = await Outbox.open(
      new MemoryStorage(),
      async ({ body }) => {
        if (body !== 'merged') throw refusal;
        sent.push(body);
      },
      { judge: (entry) => (entry.kind === 'server wins' ? { do: 'drop' } : { do: 'replace', body: 'merged' }) },
    );
    await outbox.add('k', 'server wins', 'mine');
    await outbox.add('k', 'merge', 'mine');
    await outbox.settle();
    assert.deepEqual(sent, ['merged']);
    assert.deepEqual(outbox.entries, []);
    await outbox.close();
  },

  async 'a subscription that is refused for good ends, and says why'() {
    const supabase = supabaseClient(settings.secret);
    const find = async (): Promise<readonly MessageRow[]> => [];
    const source = new Snapshot(messageModel, find, async () => null, undefined, 'no_such_column=eq.1');
    const states: string[] = [];
    const subscription = new Subscription(supabase, source, { onEffects: () => undefined, onState: (state) => states.push(state) });
    await assert.rejects(subscription.start().waitFor(['live'], 20_000), /no_such_column/);
    assert.equal(subscription.state, 'closed');
    await subscription.close();
    assert.equal(supabase.getChannels().length, 0);
    assert.equal(states.at(-1), 'closed');
  },
};

/** A network that fails before the write, and after it, and an application that ends in the middle. */
async function sendsAll(name: string, storage: () => OutboxStorage): Promise<void> {
  let calls = 0;
  const send = async ({ id, body }: OutboxEntry): Promise<void> => {
    calls += 1;
    if (calls % 3 === 1) throw new Error('no network');
    await once(prisma, id, (transaction) => transaction.message.create({ data: { roomId, author, body: String(body) } }));
    if (calls % 3 === 2) throw new Error('the answer was lost');
  };
  const options = { retryBaseMs: 1 };
  const first = await Outbox.open(storage(), send, options);
  for (let n = 0; n < 10; n += 1) await first.add(`row ${n % 3}`, 'create', `${name} ${n}`);
  await first.close();
  const left = first.entries.length;
  assert(left > 0, 'it was ended in the middle');
  const second = await Outbox.open(storage(), send, options);
  await second.add('row 0', 'create', `${name} 10`);
  await second.settle();
  await second.close();
  const written = await prisma.message.findMany({ where: { roomId, body: { startsWith: name } }, orderBy: { id: 'asc' } });
  assert.deepEqual(written.map(({ body }) => body), Array.from({ length: 11 }, (_, n) => `${name} ${n}`));
  assert.deepEqual(await storage().load(), []);
}

for (const [name, check] of Object.entries(checks)) {
  await check().then(
    () => say('passed', name),
    (error: unknown) => say('failed', `${name}: ${error instanceof Error ? error.stack : String(error)}`),
  );
}
await prisma.room.delete({ where: { id: roomId } });
await prisma.$executeRawUnsafe('drop table if exists applied_writes');
say('end', true);
await finish();
