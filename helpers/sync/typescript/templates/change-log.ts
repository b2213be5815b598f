// The exact source: a log that a trigger writes, read through the Data API.

import type { SupabaseClient } from '@supabase/supabase-js';

import { convert, exactRecord } from './convert.js';
import { keyText, type Effect, type Model } from './model.js';
import { effectOf, Gap, HistoryLost, requiredKey, type Binding, type Found, type Payload, type Source } from './source.js';

/** A read through a network that swallows everything would never end. */
const READ_TIMEOUT_MS = 10_000;

/** Up to where a log was delivered: everything below `horizon`, and of the rest what is in `seen` (id -> transaction). */
export interface LogPosition {
  history: string;
  horizon: number;
  seen: Record<string, number>;
}

interface LogEntry {
  readonly id: number;
  readonly xid: number;
  readonly op: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  readonly row: string | null;
  readonly old_key: string | null;
}

interface LogPage {
  readonly history: string;
  readonly horizon: number;
  readonly trimmed: number;
  readonly entries: readonly LogEntry[];
}

interface LogNow {
  readonly history: string;
  readonly horizon: number;
  readonly visible: readonly (readonly [id: number, xid: number])[];
}

export interface ChangeLogOptions {
  /** Where to go on; without it the source begins with what is committed from the first read on. */
  readonly position?: LogPosition;
  /** The schema of the log, if it is not that of the table. */
  readonly logSchema?: string;
  /** Entries that are read together; a project's `max_rows` does not count here, as a page is one JSON value. */
  readonly pageSize?: number;
}

/** A row's entry in the log. */
interface LogPlace {
  readonly id: number;
  readonly xid: number;
}

/**
 * Follows the log by `change_log_page`, with the rights of a role that may read it (by default the service role only).
 *
 * Ids count in the order of writes, not of commits, so "everything above the last id" would miss what commits late. What
 * is read is everything from the oldest transaction on that was under way at the last read; of these, ids are remembered.
 */
export class ChangeLog<Row extends object, Key extends object> implements Source<Row, Key, LogPlace> {
  readonly binding: Binding;
  readonly #source: string;
  readonly #schema: string;
  readonly #pageSize: number;
  /** Key -> its latest entry above the horizon: one that comes after it and stands before it is late. */
  readonly #latest = new Map<string, LogPlace>();
  #position: LogPosition | null;

  constructor(
    private readonly supabase: SupabaseClient,
    private readonly model: Model<Row, Key>,
    private readonly refetch: (key: Key) => Promise<Row | null>,
    { position, logSchema = model.schema, pageSize = 1_000 }: ChangeLogOptions = {},
  ) {
    this.#source = `${model.schema}.${model.table}`;
    this.#schema = logSchema;
    this.#pageSize = pageSize;
    this.#position = position ? structuredClone(position) : null;
    this.binding = { event: 'INSERT', schema: logSchema, table: 'change_log', filter: `source=eq.${this.#source}` };
  }

  /** Of what was handed over. Keep it, best in the transaction that applies the changes; null before the first read. */
  get position(): LogPosition | null {
    return this.#position && structuredClone(this.#position);
  }

  async receive(payload: Payload): Promise<Found<Row, Key, LogPlace>> {
    if (payload.errors?.length) throw new Gap(String(payload.errors));
    return this.#found(payload.new as unknown as LogEntry);
  }

  async *read(): AsyncGenerator<readonly Found<Row, Key, LogPlace>[]> {
    if (!this.#position) await this.restart();
    const position = this.#position;
    if (!position) return;
    let after = 0;
    let horizon: number | undefined;
    for (;;) {
      const page = await this.#page(position, after);
      checkHistory(page, position);
      horizon ??= page.horizon; // a later page's may stand above what was committed between the pages
      yield await Promise.all(page.entries.map((entry) => this.#found(entry)));
      if (page.entries.length < this.#pageSize) break;
      after = page.entries.at(-1)?.id ?? after;
    }
    this.#advance(position, horizon);
  }

  admit({ place, effects }: Found<Row, Key, LogPlace>): readonly Effect<Row, Key>[] | null {
    const position = this.#position;
    if (!position || place.xid < position.horizon || place.id in position.seen) return null;
    return effects.filter(({ key }) => (this.#latest.get(keyText(key))?.id ?? 0) < place.id);
  }

  mark({ place, effects }: Found<Row, Key, LogPlace>): void {
    if (this.#position) this.#position.seen[place.id] = place.xid;
    for (const { key } of effects) {
      const text = keyText(key);
      if ((this.#latest.get(text)?.id ?? 0) < place.id) this.#latest.set(text, place);
    }
  }

  async restart(): Promise<void> {
    const { history, horizon, visible } = await this.#call<LogNow>('change_log_now', { source: this.#source });
    this.#position = { history, horizon, seen: Object.fromEntries(visible) };
    this.#latest.clear();
  }

  #page({ horizon, seen }: LogPosition, after: number): Promise<LogPage> {
    const given = { source: this.#source, horizon, seen: Object.keys(seen).map(Number), after, most: this.#pageSize };
    return this.#call<LogPage>('change_log_page', given);
  }

  /** Below the horizon nothing is missing any more, so nothing has to be remembered. */
  #advance(position: LogPosition, horizon: number): void {
    position.horizon = horizon;
    for (const [id, xid] of Object.entries(position.seen)) if (xid < horizon) delete position.seen[id];
    for (const [key, { xid }] of this.#latest) if (xid < horizon) this.#latest.delete(key);
  }

  async #found(entry: LogEntry): Promise<Found<Row, Key, LogPlace>> {
    if (entry.op === 'TRUNCATE') throw new HistoryLost('the table was emptied at once: read it anew');
    return { place: { id: entry.id, xid: entry.xid }, effects: await this.#effects(entry) };
  }

  async #effects(entry: LogEntry): Promise<Effect<Row, Key>[]> {
    const record = exactRecord(this.model, entry.row ?? '{}');
    const key = requiredKey(this.model, record);
    if (entry.op === 'DELETE') return [{ type: 'delete', key }];
    const effect = await effectOf(key, convert(this.model, record, 'text'), this.refetch);
    if (entry.old_key === null) return [effect];
    return [{ type: 'delete', key: requiredKey(this.model, exactRecord(this.model, entry.old_key)) }, effect];
  }

  async #call<Answer>(name: string, given: Record<string, unknown>): Promise<Answer> {
    const { data, error } = await this.supabase.schema(this.#schema).rpc(name, given).abortSignal(AbortSignal.timeout(READ_TIMEOUT_MS));
    if (error) throw new Error(`${name}: ${error.message}`, { cause: error });
    return data as Answer;
  }
}

function checkHistory(page: LogPage, position: LogPosition): void {
  if (page.history !== position.history || page.horizon < position.horizon) {
    throw new HistoryLost('another server has taken over, or a backup was restored: read the table anew');
  }
  if (position.horizon > 0 && page.trimmed >= position.horizon) {
    throw new HistoryLost('entries that were not read yet have been trimmed: read the table anew');
  }
}
