// The source for whoever may not add a log: rows, read again by the time at which they were written.

import { convert } from './convert.js';
import { keyText, type DatabaseRecord, type Effect, type Model } from './model.js';
import { contentOf, effectOf, Gap, requiredKey, type Binding, type Found, type Origin, type Payload, type Source } from './source.js';

/** How a table is read; part of a generated table, or a function of your own in a browser. */
export interface VersionedTable<Row, Key> {
  /** The first rows of this version and higher ones (of all, if it is null), in the order of their versions. */
  findSince(version: Date | null, take: number): Promise<readonly Row[]>;
  findKeys(): Promise<readonly Key[]>;
  findByKeys(keys: readonly Key[]): Promise<readonly Row[]>;
}

export interface UpdatedAtOptions {
  /** Of the subscription, as `room_id=eq.7`; the table must read no other rows. */
  readonly filter?: string;
  /** How far behind the newest version is read again, for transactions that committed late. */
  readonly overlapMs?: number;
  /** Whether all keys are compared after each (re)subscription, to find rows that were deleted meanwhile. */
  readonly deletes?: boolean;
  readonly pageSize?: number;
}

interface Known<Key> {
  readonly key: Key;
  readonly version: number;
  readonly content: string;
}

/** Follows a table by a column that is set with every write. The first read brings all rows. Holds one line per row. */
export class UpdatedAt<Row extends object, Key extends object> implements Source<Row, Key, null> {
  readonly binding: Binding;
  readonly #options: Required<Omit<UpdatedAtOptions, 'filter'>>;
  readonly #known = new Map<string, Known<Key>>();
  #newest: number | null = null;

  constructor(
    private readonly table: VersionedTable<Row, Key>,
    private readonly model: Model<Row, Key>,
    private readonly version: (row: Row) => Date,
    private readonly refetch: (key: Key) => Promise<Row | null>,
    { filter, ...options }: UpdatedAtOptions = {},
  ) {
    this.binding = { event: '*', schema: model.schema, table: model.table, ...(filter === undefined ? {} : { filter }) };
    this.#options = { overlapMs: 60_000, deletes: true, pageSize: 1_000, ...options };
  }

  async receive(payload: Payload): Promise<Found<Row, Key, null>> {
    if (payload.errors?.length) throw new Gap(String(payload.errors));
    const record: DatabaseRecord = payload.eventType === 'DELETE' ? payload.old : payload.new;
    const key = requiredKey(this.model, record);
    if (payload.eventType === 'DELETE') return { place: null, effects: [{ type: 'delete', key }] };
    return { place: null, effects: [await effectOf(key, convert(this.model, record), this.refetch)] };
  }

  async *read(origin: Origin): AsyncGenerator<readonly Found<Row, Key, null>[]> {
    yield* this.#changed();
    if (this.#options.deletes && origin !== 'poll') yield await this.#compared();
  }

  admit({ effects }: Found<Row, Key, null>): readonly Effect<Row, Key>[] | null {
    const fresh = effects.filter((effect) => this.#isNew(effect));
    return fresh.length > 0 ? fresh : null;
  }

  mark({ effects }: Found<Row, Key, null>): void {
    for (const effect of effects) {
      if (effect.type === 'delete') this.#known.delete(keyText(effect.key));
      else this.#learn(effect.key, effect.row);
    }
  }

  async restart(): Promise<void> {
    this.#known.clear();
    this.#newest = null;
  }

  /** Pages overlap by the version that they end with: several rows may have it, and a Date is less exact than a column. */
  async *#changed(): AsyncGenerator<readonly Found<Row, Key, null>[]> {
    let since = this.#newest === null ? null : new Date(this.#newest - this.#options.overlapMs);
    let take = this.#options.pageSize;
    for (;;) {
      const rows = await this.table.findSince(since, take);
      yield rows.map((row) => this.#upsert(row));
      const last = rows.at(-1);
      if (!last || rows.length < take) return;
      const reached = this.version(last);
      take = reached.getTime() === since?.getTime() ? take * 2 : this.#options.pageSize;
      since = reached;
    }
  }

  /** Rows that are gone, and rows that are there and were never seen. */
  async #compared(): Promise<Found<Row, Key, null>[]> {
    const known = [...this.#known];
    const present = new Map((await this.table.findKeys()).map((key) => [keyText(key), key]));
    const gone = known.filter(([text]) => !present.has(text));
    const unseen = [...present].filter(([text]) => !this.#known.has(text)).map(([, key]) => key);
    const found = unseen.length > 0 ? await this.table.findByKeys(unseen) : [];
    const deletes = gone.map(([, { key }]) => ({ place: null, effects: [{ type: 'delete', key } as const] }));
    return [...deletes, ...found.map((row) => this.#upsert(row))];
  }

  #upsert(row: Row): Found<Row, Key, null> {
    return { place: null, effects: [{ type: 'upsert', key: this.model.keyOf(row), row }] };
  }

  #isNew(effect: Effect<Row, Key>): boolean {
    const known = this.#known.get(keyText(effect.key));
    if (effect.type === 'delete') return known !== undefined;
    const version = this.version(effect.row).getTime();
    return !known || version > known.version || (version === known.version && contentOf(effect.row) !== known.content);
  }

  #learn(key: Key, row: Row): void {
    const version = this.version(row).getTime();
    this.#known.set(keyText(key), { key, version, content: contentOf(row) });
    this.#newest = Math.max(this.#newest ?? version, version);
  }
}
