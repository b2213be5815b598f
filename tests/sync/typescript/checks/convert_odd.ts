// Rows of strange values, as Realtime brings them and as the log's text has them, against what Prisma reads.

import { isDeepStrictEqual } from 'node:util';

import { Mood, Prisma } from './generated/client.js';
import { finish, prisma, say, supabaseClient, settings, until } from './harness.js';
import { convert, convertKey, exactRecord, type Conversion } from './sync/convert.js';
import { keyText, type DatabaseRecord } from './sync/model.js';
import { mapModel, type MapKey, type MapRow } from './sync/map.model.js';
import { mapTable } from './sync/map.table.js';

const plain = { small: 1, exact: '1', words: [], numbers: [], moods: [] };
const rows: Prisma.MapCreateInput[] = [
  { class: 1n, default: 'plain', ...plain, price: '10.50', function: Mood.GOOD, meta: { a: [1, 1.5, null] }, code: 'ab' },
  { class: 2n ** 53n - 1n, default: 'largest safe', ...plain, moods: [Mood.bad, Mood.GOOD] },
  { class: 2n ** 53n + 1n, default: 'unsafe', ...plain },
  { class: -(2n ** 63n), default: 'least', ...plain, numbers: [1n, 2n ** 62n] },
  { class: 5n, default: 'digits', ...plain, exact: '12345678.100000000001' },
  { class: 6n, default: 'price', ...plain, price: '-12345678.91', real: 0.1, double: 0.1 + 0.2, small: -32768 },
  { class: 7n, default: "quote ' \" \\ ü 🎉", ...plain, words: ['a,b', '{"x"}', '', 'NULL', 'ü'], flag: true },
  { class: 8n, default: 'bytes', ...plain, blob: Uint8Array.from([0, 1, 0x5c, 0x78, 0xff]) },
  { class: 9n, default: 'no bytes', ...plain, blob: Uint8Array.from([]), address: '10.0.0.1', bits: '0101' },
  { class: 10n, default: 'times', ...plain, day: new Date('2026-03-29'), hour: new Date('1970-01-01T23:59:59.999Z') },
  { class: 11n, default: 'json null', ...plain, meta: Prisma.JsonNull },
  { class: 12n, default: 'json text', ...plain, meta: '5' },
  { class: 13n, default: 'json number', ...plain, meta: 5 },
];
/** What Prisma cannot write itself. */
const raw = [
  `insert into odd."odd map's" values (20, 'micro', 'SOSO', 1, null, null, 1, null, null, '10:11:12.5',
     '2026-03-29 02:30:00.123456', '2026-10-25 02:30:00.999999+02')`,
  `insert into odd."odd map's" ("the class's", "défaut", small, exact, double, moment)
     values (21, 'not finite', 1, 1, 'NaN', 'infinity')`,
];

const payloads = new Map<string, DatabaseRecord>();
const deleted: (MapKey | null)[] = [];
const channel = supabaseClient(settings.secret)
  .channel('odd')
  .on('postgres_changes', { event: '*', schema: mapModel.schema, table: mapModel.table }, (payload) => {
    if (payload.eventType === 'DELETE') deleted.push(convertKey(mapModel, payload.old));
    else payloads.set(String((payload.new as DatabaseRecord)['défaut']), payload.new as DatabaseRecord);
  });
let ready = false;
channel.on('system', {}, ({ status }: { status: string }) => (ready = status === 'ok')).subscribe();
await until(() => ready, 'the subscription is ready');
await prisma.map.createMany({ data: rows });
for (const statement of raw) await prisma.$executeRawUnsafe(statement);
await until(() => payloads.size === rows.length + raw.length, 'all changes are there');

const table = mapTable(prisma);
const keys = await table.findKeys();
const held = new Map((await table.findByKeys(keys)).map((row) => [row.default, row]));
const logged = await prisma.$queryRawUnsafe<{ name: string; text: string }[]>(
  `select "défaut" as name, to_jsonb(m)::text as text from odd."odd map's" m`,
);

/** Exact and equal, or refused: with the columns. Anything else is a lie. */
function verdict(conversion: Conversion<MapRow>, row: MapRow | undefined): unknown {
  if (!conversion.exact) return conversion.problems.map(({ column }) => column);
  const fields = Object.keys(conversion.row) as (keyof MapRow)[];
  const wrong = fields.filter((field) => !isDeepStrictEqual(comparable(conversion.row[field]), comparable(row?.[field])));
  if (fields.length !== Object.keys(row ?? {}).length) wrong.push('class');
  return wrong.length > 0 ? { wrong, got: wrong.map((field) => String(conversion.row[field])), is: wrong.map((field) => String(row?.[field])) } : 'exact';
}

function comparable(value: unknown): unknown {
  return Prisma.Decimal.isDecimal(value) ? value.toFixed() : value instanceof Uint8Array ? [...value] : value;
}

const stream = Object.fromEntries([...payloads].map(([name, record]) => [name, verdict(convert(mapModel, record), held.get(name))]));
const log = Object.fromEntries(logged.map(({ name, text }) => [name, verdict(convert(mapModel, exactRecord(mapModel, text), 'text'), held.get(name))]));

// What was read can be written again, and by its key deleted, the nulls of Json included.
const all = [...held.values()].filter(({ default: name }) => name !== 'not finite');
await table.write({ upserts: all, deletes: [] });
const again = new Map((await table.findByKeys(keys)).map((row) => [row.default, row]));
const rewritten = all.filter((row) => !isDeepStrictEqual({ ...again.get(row.default), modified_at: row.modified_at }, row)).map(({ default: name }) => name);
await table.write({ upserts: [], deletes: keys });
await until(() => deleted.length === keys.length, 'all deletions are there');
const unknown = deleted.filter((key) => key && !keys.some((one) => keyText(one) === keyText(key)));
say('result', { stream, log, rewritten, unknown, left: await prisma.map.count() });
await finish();
