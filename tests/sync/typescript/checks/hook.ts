// The hook in a component, in StrictMode, with a renderer that needs no browser.

import assert from 'node:assert/strict';
import { createElement, StrictMode, type ReactElement } from 'react';
import { create, type ReactTestRenderer } from 'react-test-renderer';

import { finish, heard, prisma, say, settings, supabaseClient, until } from './harness.js';
import type { LiveSnapshot } from './sync/live-rows.js';
import { messageModel, type MessageRow } from './sync/message.model.js';
import { RowsProvider, useRows } from './sync/use-rows.js';

const author = '00000000-0000-4000-8000-000000000003';
const supabase = supabaseClient(settings.secret);
const joined: string[] = [];
const channel = supabase.channel.bind(supabase);
supabase.channel = (name, options) => {
  joined.push(name);
  return channel(name, options);
};

const options = { pollAfterMs: 300, retryBaseMs: 100, auditMs: 1_000, lingerMs: 200 };
let shown: LiveSnapshot<MessageRow> = { rows: [], state: 'idle', error: null };
let renders = 0;

function Room({ roomId }: { readonly roomId: bigint }): string {
  shown = useRows(messageModel, { roomId }, options);
  renders += 1;
  return shown.rows.map(({ body }) => body).join(',');
}

const page = (roomId: bigint): ReactElement =>
  createElement(StrictMode, null, createElement(RowsProvider, { value: supabase }, createElement(Room, { roomId })));

const rooms = await Promise.all(['one', 'two'].map((name) => prisma.room.create({ data: { name } })));
const [one, two] = rooms.map(({ id }) => id) as [bigint, bigint];
const price = '12345678901234.000001';
const write = (roomId: bigint, body: string): Promise<MessageRow> => prisma.message.create({ data: { roomId, author, body, price } });
const bodies = (): string[] => shown.rows.map(({ body }) => body);

await write(one, 'before');
await write(two, 'elsewhere');
const renderer: ReactTestRenderer = create(page(one));
await until(() => shown.state === 'live', 'it is live');
assert.deepEqual(bodies(), ['before']);
assert.equal(shown.rows[0]?.price?.toFixed(), price, 'all digits are there');
assert.equal(joined.length, 1, "StrictMode's second mount joins no second channel");
assert.equal(supabase.getChannels().length, 1);

const row = await write(one, 'inserted');
await write(two, 'elsewhere, too');
await until(() => bodies().includes('inserted'), 'the insert is shown');
const fixed = (one: MessageRow | undefined): object => ({ ...one, price: one?.price?.toFixed() });
assert.deepEqual(fixed(shown.rows[1]), fixed(row));
await prisma.message.update({ where: { id: row.id }, data: { body: 'updated' } });
await until(() => bodies().includes('updated'), 'the update is shown');
assert.equal(renderer.toJSON(), 'before,updated');

const before = renders;
renderer.update(page(one));
await until(() => renders > before, 'it is rendered again');
assert.equal(joined.length, 1, 'an equal filter in a new object changes nothing');

say('cut', true);
assert.equal(await heard(), 'cut');
await until(() => shown.state !== 'live', 'the loss is shown');
await prisma.message.delete({ where: { id: row.id } });
await write(one, 'meanwhile');
say('written', true);
await until(() => shown.state === 'live', 'it is live again');
assert.deepEqual(bodies(), ['before', 'meanwhile'], 'what happened meanwhile is shown');

// A row that leaves the room: Realtime's filter says nothing of that, the next look does.
await prisma.message.update({ where: { id: shown.rows[0]!.id }, data: { roomId: two } });
await until(() => bodies().length === 1, 'the row that left is gone');

renderer.update(page(two));
await until(() => shown.state === 'live' && bodies().length === 3, 'the other room is shown');
assert.deepEqual(bodies().sort(), ['before', 'elsewhere', 'elsewhere, too']);
await until(() => supabase.getChannels().length === 1, 'the first room is left');

const channels = joined.length;
renderer.unmount();
await until(() => supabase.getChannels().length === 0, 'the second room is left');
await write(two, 'nobody looks');
assert.equal(joined.length, channels);
await prisma.room.deleteMany({ where: { id: { in: [one, two] } } });
say('result', 'passed');
await finish();
