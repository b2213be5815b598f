// Refetching by key, coalesced: a hundred changes within a moment are one `findMany({ where: { id: { in: […] } } })`.

import { keyText } from './model.js';

export interface RevalidatorOptions {
  /** How long the first key of a query waits for others. */
  readonly withinMs?: number;
  /** Keys in one query. PostgreSQL takes 32,767 parameters. */
  readonly maxKeys?: number;
  /** Rows that are kept for `cached`; the ones that were not used for longest go first. */
  readonly maxCached?: number;
}

interface Asked<Row, Key> {
  readonly key: Key;
  readonly resolve: (row: Row | null) => void;
  readonly reject: (error: unknown) => void;
  readonly promise: Promise<Row | null>;
}

/** Reads rows by their keys, never more than one query at a time: a slow database makes queries larger, not more. */
export class Revalidator<Row extends object, Key extends object> {
  /** How many keys were asked for, and how many queries that took. */
  readonly counts = { asked: 0, queries: 0 };
  readonly #withinMs: number;
  readonly #maxKeys: number;
  readonly #maxCached: number;
  readonly #waiting = new Map<string, Asked<Row, Key>>();
  readonly #cache = new Map<string, Row | null>();
  #working = false;

  constructor(
    private readonly find: (keys: readonly Key[]) => Promise<readonly Row[]>,
    private readonly keyOf: (row: Row) => Key,
    { withinMs = 10, maxKeys = 500, maxCached = 10_000 }: RevalidatorOptions = {},
  ) {
    this.#withinMs = withinMs;
    this.#maxKeys = maxKeys;
    this.#maxCached = maxCached;
  }

  /** The row as it is after this call, null if there is none. Whoever asks while a query runs gets the next one's answer. */
  refetch(key: Key): Promise<Row | null> {
    this.counts.asked += 1;
    const text = keyText(key);
    const asked = this.#waiting.get(text) ?? { key, ...deferred<Row | null>() };
    this.#waiting.set(text, asked);
    if (!this.#working) void this.#work();
    return asked.promise;
  }

  /** Stale while revalidating: what is known at once (undefined: nothing yet), and what is true. */
  read(key: Key): { readonly stale: Row | null | undefined; readonly fresh: Promise<Row | null> } {
    return { stale: this.#cache.get(keyText(key)), fresh: this.refetch(key) };
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, this.#withinMs));
      const batch = [...this.#waiting].slice(0, this.#maxKeys);
      for (const [text] of batch) this.#waiting.delete(text);
      await this.#query(batch);
    }
    this.#working = false;
  }

  async #query(batch: readonly (readonly [string, Asked<Row, Key>])[]): Promise<void> {
    this.counts.queries += 1;
    try {
      const rows = await this.find(batch.map(([, { key }]) => key));
      const found = new Map(rows.map((row) => [keyText(this.keyOf(row)), row]));
      for (const [text, { resolve }] of batch) resolve(this.#remember(text, found.get(text) ?? null));
    } catch (error) {
      for (const [, { reject }] of batch) reject(error);
    }
  }

  #remember(text: string, row: Row | null): Row | null {
    this.#cache.delete(text); // put it behind all others
    this.#cache.set(text, row);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > this.#maxCached && oldest !== undefined) this.#cache.delete(oldest);
    return row;
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
