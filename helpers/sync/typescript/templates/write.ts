// Writing many changes through Prisma: collected for a moment, then one idempotent `$transaction`.
//
// The obvious handler, one `prisma.x.create({ data: payload.new })` per event, breaks on names and types, on every event
// that comes twice, keeps no order, and opens one transaction per change.

import { jittered, keyText, pause, type Effect } from './model.js';

/** Deletes and upserts, all of them or none; `write` of a generated table. Doing it twice must change nothing. */
export type Write<Row, Key> = (effects: {
  readonly upserts: readonly Row[];
  readonly deletes: readonly Key[];
}) => Promise<void>;

export interface BatchWriterOptions<Row, Key> {
  /** Changes of one transaction. */
  readonly maxChanges?: number;
  /** How long the first change of a batch waits for others. */
  readonly withinMs?: number;
  /** Changes that may wait; `add` takes no more until some are written. */
  readonly maxWaiting?: number;
  /** Attempts at a transaction whose failure may pass. */
  readonly attempts?: number;
  /** Is told of each change that cannot be written, and why. */
  readonly onRejected?: (effect: Effect<Row, Key>, error: unknown) => void;
}

/** Prisma's codes for what may pass: no connection, timeouts, write conflicts (prisma.io/docs, error reference). */
const PASSING = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']);

/** Writes changes in batches, the changes of one row always in their order. */
export class BatchWriter<Row extends object, Key extends object> {
  readonly counts = { added: 0, written: 0, folded: 0, rejected: 0, transactions: 0, retries: 0 };
  readonly #options: Required<BatchWriterOptions<Row, Key>>;
  #waiting: Effect<Row, Key>[] = [];
  #roomFor: (() => void)[] = [];
  #full: (() => void) | null = null;
  #work: Promise<void> | null = null;

  constructor(
    private readonly write: Write<Row, Key>,
    options: BatchWriterOptions<Row, Key> = {},
  ) {
    const defaults = { maxChanges: 200, withinMs: 50, maxWaiting: 10_000, attempts: 8, onRejected: () => undefined };
    this.#options = { ...defaults, ...options };
  }

  /** Hand over a change. Await it: it returns at once while there is room, and holds the sender back when there is none. */
  async add(effect: Effect<Row, Key>): Promise<void> {
    while (this.#waiting.length >= this.#options.maxWaiting) {
      await new Promise<void>((resolve) => this.#roomFor.push(resolve));
    }
    this.#waiting.push(effect);
    this.counts.added += 1;
    if (this.#waiting.length >= this.#options.maxChanges) this.#full?.();
    this.#work ??= this.#run().finally(() => (this.#work = null));
  }

  /** Until everything that was handed over is written, or rejected. */
  async settle(): Promise<void> {
    while (this.#work) await this.#work;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#collect();
      const batch = this.#waiting.splice(0, this.#options.maxChanges);
      for (const resolve of this.#roomFor.splice(0)) resolve();
      await this.#writeAll(this.#fold(batch));
    }
  }

  async #collect(): Promise<void> {
    if (this.#waiting.length >= this.#options.maxChanges) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.withinMs);
      this.#full = () => (clearTimeout(timer), resolve());
    });
    this.#full = null;
  }

  /** Of several changes of one row only the last one counts. */
  #fold(batch: readonly Effect<Row, Key>[]): Effect<Row, Key>[] {
    const last = new Map(batch.map((effect) => [keyText(effect.key), effect]));
    this.counts.folded += batch.length - last.size;
    return [...last.values()];
  }

  /** A change that the database refuses is found by halving, so that it takes no other one with it. */
  async #writeAll(batch: readonly Effect<Row, Key>[]): Promise<void> {
    const error = await this.#attempt(batch);
    if (error === null) {
      this.counts.written += batch.length;
    } else if (batch.length > 1 && !isPassing(error)) {
      const middle = Math.ceil(batch.length / 2);
      await this.#writeAll(batch.slice(0, middle));
      await this.#writeAll(batch.slice(middle));
    } else {
      this.counts.rejected += batch.length;
      for (const effect of batch) this.#options.onRejected(effect, error);
    }
  }

  /** Returns what it failed with, for good. */
  async #attempt(batch: readonly Effect<Row, Key>[]): Promise<unknown> {
    const upserts = batch.flatMap((effect) => (effect.type === 'upsert' ? [effect.row] : []));
    const deletes = batch.flatMap((effect) => (effect.type === 'delete' ? [effect.key] : []));
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.counts.transactions += 1;
        await this.write({ upserts, deletes });
        return null;
      } catch (error) {
        if (!isPassing(error) || attempt === this.#options.attempts) return error;
        this.counts.retries += 1;
        await pause(jittered(attempt, 50, 5_000));
      }
    }
  }
}

function isPassing(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return PASSING.has(String(code));
}
