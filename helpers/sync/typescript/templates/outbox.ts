// Writes that survive: kept before they are sent, sent in their order when there is a network, applied once.
//
// A write whose answer was lost is sent again. So each has an id that never changes, and the server keeps the ids that it
// has applied (`once`). A write that is refused for good is set aside with its reason, and does not stop the others: only
// later writes of the same row wait behind it, as they build on it.

import { jittered, messageOf, pause } from './model.js';

export interface OutboxEntry {
  /** The idempotency key. */
  readonly id: string;
  /** Its place in the order. */
  readonly sequence: number;
  /** Entries of one key are never reordered: the key of the row, say. */
  readonly key: string;
  readonly kind: string;
  /** Anything that JSON can hold; bigints and Dates as text. */
  readonly body: unknown;
  readonly attempts: number;
  /** Why it is set aside; absent while it is to be sent. */
  readonly parked?: string;
}

/** Where entries are kept. Each promise is fulfilled when what it was asked for would survive a power cut. */
export interface OutboxStorage {
  /** All entries, in any order. */
  load(): Promise<readonly OutboxEntry[]>;
  /** Adds it, or replaces the one with its id. */
  put(entry: OutboxEntry): Promise<void>;
  remove(id: string): Promise<void>;
}

/** Keeps entries as long as the page lives: for tests, and where nothing else is to be had. */
export class MemoryStorage implements OutboxStorage {
  readonly #entries = new Map<string, OutboxEntry>();

  async load(): Promise<readonly OutboxEntry[]> {
    return [...this.#entries.values()];
  }

  async put(entry: OutboxEntry): Promise<void> {
    this.#entries.set(entry.id, structuredClone(entry));
  }

  async remove(id: string): Promise<void> {
    this.#entries.delete(id);
  }
}

/** What to do with an entry that was refused. */
export type Verdict =
  | { readonly do: 'retry' } // the network: it waits, and so does everything behind it
  | { readonly do: 'park'; readonly reason: string } // set it aside
  | { readonly do: 'drop' } // the server's state wins
  | { readonly do: 'replace'; readonly body: unknown }; // send this instead: a merge, or what the user decided

export interface OutboxOptions {
  /** Judges a failure; by default whatever has no status below 500 (but 408 and 429) is the network's fault. */
  readonly judge?: (entry: OutboxEntry, error: unknown) => Verdict | Promise<Verdict>;
  readonly onChange?: () => void;
  readonly retryBaseMs?: number;
  readonly retryCapMs?: number;
}

export class Outbox {
  readonly #options: Required<OutboxOptions>;
  readonly #stop = new AbortController();
  #hurry = new AbortController();
  #entries: OutboxEntry[] = [];
  #sequence = 0;
  #sending: Promise<void> | null = null;

  private constructor(
    private readonly storage: OutboxStorage,
    private readonly send: (entry: OutboxEntry) => Promise<void>,
    options: OutboxOptions,
  ) {
    this.#options = { judge: judgeByStatus, onChange: () => undefined, retryBaseMs: 500, retryCapMs: 30_000, ...options };
  }

  /** Opens it and goes on with what was left over. `send` must be safe to repeat: pass `entry.id` to the server. */
  static async open(
    storage: OutboxStorage,
    send: (entry: OutboxEntry) => Promise<void>,
    options: OutboxOptions = {},
  ): Promise<Outbox> {
    const outbox = new Outbox(storage, send, options);
    outbox.#entries = [...(await storage.load())].sort((a, b) => a.sequence - b.sequence);
    outbox.#sequence = outbox.#entries.at(-1)?.sequence ?? 0;
    globalThis.addEventListener?.('online', outbox.retryNow);
    outbox.#start();
    return outbox;
  }

  /** What was not sent yet, what is set aside included. */
  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  /** Fulfilled when the write is kept, not when it is sent. Returns its idempotency key. */
  async add(key: string, kind: string, body: unknown): Promise<string> {
    const entry = { id: crypto.randomUUID(), sequence: (this.#sequence += 1), key, kind, body, attempts: 0 };
    await this.storage.put(entry);
    this.#entries = [...this.#entries, entry].sort((a, b) => a.sequence - b.sequence);
    this.#start();
    return entry.id;
  }

  /** Until nothing is left but what is set aside, and what waits behind it. */
  async settle(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  readonly retryNow = (): void => {
    this.#hurry.abort();
    this.#start();
  };

  /** Send again what was set aside, as it is or with another body. */
  async unpark(id: string, body?: unknown): Promise<void> {
    const entry = this.#entries.find((each) => each.id === id);
    if (!entry) return;
    const { parked: _, ...rest } = entry;
    await this.#replace(body === undefined ? rest : { ...rest, body });
    this.#start();
  }

  /** Give up an entry; what waits behind it goes on. */
  async discard(id: string): Promise<void> {
    await this.storage.remove(id);
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    this.#start();
  }

  /** Stops sending; what is left is sent after the next `open`. */
  async close(): Promise<void> {
    globalThis.removeEventListener?.('online', this.retryNow);
    this.#stop.abort();
    await this.#sending;
  }

  #start(): void {
    this.#options.onChange();
    if (this.#stop.signal.aborted || this.#sending || !this.#next()) return;
    this.#sending = this.#run().finally(() => (this.#sending = null));
  }

  #next(): OutboxEntry | undefined {
    const held = new Set(this.#entries.filter(({ parked }) => parked !== undefined).map(({ key }) => key));
    return this.#entries.find(({ key }) => !held.has(key));
  }

  async #run(): Promise<void> {
    let failures = 0;
    for (let entry = this.#next(); entry && !this.#stop.signal.aborted; entry = this.#next()) {
      const verdict = await this.#attempt(entry);
      failures = verdict?.do === 'retry' ? failures + 1 : 0;
      await this.#carryOut(verdict, entry);
      this.#options.onChange();
      if (failures > 0) await this.#wait(failures);
    }
  }

  /** Null if it went through. */
  async #attempt(entry: OutboxEntry): Promise<Verdict | null> {
    try {
      await this.send(entry);
      return null;
    } catch (error) {
      return this.#options.judge(entry, error);
    }
  }

  async #carryOut(verdict: Verdict | null, entry: OutboxEntry): Promise<void> {
    const attempts = entry.attempts + 1;
    if (verdict === null || verdict.do === 'drop') return this.discard(entry.id);
    if (verdict.do === 'park') return this.#replace({ ...entry, attempts, parked: verdict.reason });
    if (verdict.do === 'replace') return this.#replace({ ...entry, attempts, body: verdict.body });
    return this.#replace({ ...entry, attempts });
  }

  async #replace(entry: OutboxEntry): Promise<void> {
    await this.storage.put(entry);
    this.#entries = this.#entries.map((each) => (each.id === entry.id ? entry : each));
  }

  async #wait(failures: number): Promise<void> {
    this.#hurry = new AbortController();
    const { retryBaseMs, retryCapMs } = this.#options;
    await pause(jittered(failures, retryBaseMs, retryCapMs), AbortSignal.any([this.#hurry.signal, this.#stop.signal]));
  }
}

function judgeByStatus(_entry: OutboxEntry, error: unknown): Verdict {
  const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 0;
  const isLasting = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isLasting ? { do: 'park', reason: messageOf(error) } : { do: 'retry' };
}
