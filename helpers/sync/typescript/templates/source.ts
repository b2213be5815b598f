// What a subscription follows, and how what its socket did not bring is found again.
//
// Realtime promises no delivery: what is committed between a drop and the next subscription is gone, and now and then an
// event is lost on a line that stands. Three sources mend that:
//
// - `ChangeLog` is exact: a trigger writes every change into a log, in the transaction of the change. Each change comes
//   once, those of a row in the order of their commits.
// - `UpdatedAt` needs nothing in the database but a column that tells when a row was written. Several changes of a row
//   come as one; a change is missed that was committed later than `overlapMs` after it was written.
// - `Snapshot` needs nothing at all, and reads everything again: for the rows that a screen shows.

import type { RealtimePostgresChangesPayload } from '@supabase/supabase-js';

import { convertKey, type Conversion } from './convert.js';
import type { DatabaseRecord, Effect, Model } from './model.js';

/** By which way a change came: the stream, the read after a (re)subscription, a check, or a poll without a socket. */
export type Origin = 'stream' | 'catch-up' | 'audit' | 'poll';

/** One change: an effect, or two where it gave a row another primary key. `place` is for its source, to know it again. */
export interface Found<Row, Key, Place> {
  readonly place: Place;
  readonly effects: readonly Effect<Row, Key>[];
}

export type Payload = RealtimePostgresChangesPayload<Record<string, unknown>>;

export interface Binding {
  readonly event: '*' | 'INSERT';
  readonly schema: string;
  readonly table: string;
  readonly filter?: string;
}

/** One source serves one subscription. */
export interface Source<Row extends object, Key extends object, Place = unknown> {
  /** What to ask Realtime for. */
  readonly binding: Binding;
  /** What an event tells. Throws `Gap` when it is incomplete. */
  receive(payload: Payload): Promise<Found<Row, Key, Place>>;
  /** Everything that is committed and not marked, in pages. Asking for the next one says that the last one is marked. */
  read(origin: Origin): AsyncIterable<readonly Found<Row, Key, Place>[]>;
  /** What of it is new to the application; null if it has got it. */
  admit(found: Found<Row, Key, Place>): readonly Effect<Row, Key>[] | null;
  /** The application has got it. */
  mark(found: Found<Row, Key, Place>): void;
  /** Begin anew, with what is committed from now on. */
  restart(): Promise<void>;
}

/** The stream shows that something is missing: it is read then. */
export class Gap extends Error {}

/** The position is no longer in the log, or it is another log: the table has to be read anew. */
export class HistoryLost extends Error {}

/** The same for equal rows. */
export function contentOf(row: object): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

export function requiredKey<Row extends object, Key extends object>(model: Model<Row, Key>, record: DatabaseRecord): Key {
  const key = convertKey(model, record);
  if (key === null) throw new Gap(`a change of ${model.table} without its whole primary key`);
  return key;
}

/** The row as it was converted; where that is not exact, as it is now. */
export async function effectOf<Row extends object, Key extends object>(
  key: Key,
  converted: Conversion<Row>,
  refetch: (key: Key) => Promise<Row | null>,
): Promise<Effect<Row, Key>> {
  const row = converted.exact ? converted.row : await refetch(key);
  return row === null ? { type: 'delete', key } : { type: 'upsert', key, row };
}
