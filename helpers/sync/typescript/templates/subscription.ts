// A subscription that survives: through a socket, past it, and over the gaps between sockets.
//
//   idle -> connecting -> joined -> recovering -> live
//              ^ |                                 |
//              | +--> polling / offline            |   (the database is read while there is no socket)
//              +-----------------------------------+
//
// SUBSCRIBED is not the moment from which changes come: the server answers a join before it delivers, and says so later
// in a `system` message. What is committed in between reaches nobody, and neither does what is committed while a socket
// is down. So after every (re)subscription the source is read, and only then is the subscription `live`.

import type { RealtimeChannel, SupabaseClient } from '@supabase/supabase-js';

import { jittered, messageOf, pause, type Effect } from './model.js';
import { Gap, HistoryLost, type Found, type Origin, type Payload, type Source } from './source.js';

export type State = 'idle' | 'connecting' | 'joined' | 'recovering' | 'live' | 'polling' | 'offline' | 'closed';

export interface SubscriptionOptions<Row, Key> {
  /**
   * Gets every change, in order, one call at a time. What it fails with is read and handed over again after a while: so
   * it must be idempotent. Nothing else is delivered while its promise is pending.
   */
  readonly onEffects: (effects: readonly Effect<Row, Key>[], origin: Origin) => Promise<void> | void;
  /** What the application holds is void, read the table now; changes from just before on follow. */
  readonly onReset?: (reason: string) => Promise<void> | void;
  readonly onState?: (state: State, reason: string) => void;
  /** From the join to the server's word that it delivers. */
  readonly readyWithinMs?: number;
  /** How long there may be no socket before the database is polled, and how often it is (slower while nothing is found). */
  readonly pollAfterMs?: number;
  readonly pollMinMs?: number;
  readonly pollMaxMs?: number;
  /** How often to look, while live, whether the stream brought everything. */
  readonly auditMs?: number;
  readonly retryBaseMs?: number;
  readonly retryCapMs?: number;
  /** Events that may wait for the application; what does not fit is read later. */
  readonly maxWaiting?: number;
}

const DEFAULTS = {
  readyWithinMs: 10_000,
  pollAfterMs: 3_000,
  pollMinMs: 1_000,
  pollMaxMs: 30_000,
  auditMs: 30_000,
  retryBaseMs: 500,
  retryCapMs: 10_000,
  maxWaiting: 10_000,
} as const;

/** A channel that held for so long was a success: the next attempt does not wait. */
const STABLE_MS = 10_000;

/** Refusals that another attempt does not change: of the server's validation, and of a channel's policies. */
const LASTING = /invalid column for filter|invalid input syntax|do not have permissions|given parameters/i;

/** Said of a table that is not published, and of one whose publication is being changed: final only if it never worked. */
const UNPUBLISHED = /Please check Realtime is enabled/i;

export class Subscription<Row extends object, Key extends object, Place> {
  readonly counts: Record<Origin | 'repeated' | 'gaps' | 'channels', number> = {
    stream: 0, 'catch-up': 0, audit: 0, poll: 0, repeated: 0, gaps: 0, channels: 0,
  }; // prettier-ignore
  /** Why it is closed, if that was not asked for. */
  error: Error | null = null;
  readonly #options;
  readonly #stop = new AbortController();
  #state: State = 'idle';
  #hurry = new AbortController();
  #channel: RealtimeChannel | null = null;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #overflowed = false;
  #hasBeenLive = false;
  /** Why what the application holds is void, until it has dealt with that: nothing is read before. */
  #owedReset: string | null = null;
  #supervisor: Promise<void> | null = null;
  #polling: AbortController | null = null;
  #listeners = new Set<() => void>();

  constructor(
    private readonly supabase: SupabaseClient,
    private readonly source: Source<Row, Key, Place>,
    options: SubscriptionOptions<Row, Key>,
  ) {
    this.#options = { ...DEFAULTS, ...options };
  }

  get state(): State {
    return this.#state;
  }

  start(): this {
    if (this.#supervisor === null && !this.#stop.signal.aborted) {
      globalThis.addEventListener?.('online', this.retryNow);
      this.#startPolling();
      void this.#audit();
      this.#supervisor = this.#supervise().catch((error: unknown) => void this.#fail(error));
    }
    return this;
  }

  /** Ends it for good. What is being delivered is awaited. */
  async close(): Promise<void> {
    this.#end('closed by the application');
    await this.#supervisor;
    await this.#queue;
  }

  /** Do not wait for the next attempt: something has changed. */
  readonly retryNow = (): void => {
    this.#hurry.abort();
  };

  /** Look now whether everything that was committed has been delivered, and deliver what was not. */
  check(): Promise<void> {
    return this.#inTurn(() => this.#read('audit'));
  }

  /** Until it is in one of these states; rejects when it never will be, or not in time. */
  async waitFor(states: readonly State[], timeoutMs = 30_000): Promise<State> {
    const late = AbortSignal.timeout(timeoutMs);
    while (!states.includes(this.#state)) {
      if (this.#state === 'closed') throw this.error ?? new Error('the subscription is closed');
      if (late.aborted) throw new Error(`the subscription is ${this.#state} after ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const changed = (): void => {
          this.#listeners.delete(changed);
          late.removeEventListener('abort', changed);
          resolve();
        };
        this.#listeners.add(changed);
        late.addEventListener('abort', changed);
      });
    }
    return this.#state;
  }

  // Channels

  async #supervise(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      const since = Date.now();
      const reason = await this.#useOneChannel();
      if (this.#stop.signal.aborted) return;
      if (this.#isFinal(reason)) throw new Error(reason);
      failures = Date.now() - since > STABLE_MS ? 0 : failures + 1;
      this.#enter('connecting', reason);
      this.#startPolling();
      await this.#backOff(failures);
    }
  }

  #isFinal(reason: string): boolean {
    return UNPUBLISHED.test(reason) ? !this.#hasBeenLive : LASTING.test(reason);
  }

  async #backOff(failures: number): Promise<void> {
    this.#hurry = new AbortController();
    const { retryBaseMs, retryCapMs } = this.#options;
    await pause(jittered(failures, retryBaseMs, retryCapMs), AbortSignal.any([this.#hurry.signal, this.#stop.signal]));
  }

  /** Joins, and returns why that came to an end. A channel that had an error is replaced, not mended. */
  async #useOneChannel(): Promise<string> {
    if (this.#state === 'idle') this.#enter('connecting', '');
    this.counts.channels += 1;
    const channel = this.supabase.channel(`resilient:${crypto.randomUUID()}`);
    this.#channel = channel;
    const over = new AbortController();
    let tooLate: ReturnType<typeof setTimeout> | undefined;
    const reason = await new Promise<string>((resolve) => {
      tooLate = setTimeout(() => resolve('the server did not say that it delivers'), this.#options.readyWithinMs);
      this.#stop.signal.addEventListener('abort', () => resolve('closed'), { signal: over.signal });
      this.#listen(channel, () => clearTimeout(tooLate), resolve);
    });
    clearTimeout(tooLate);
    over.abort();
    this.#channel = null;
    await this.supabase.removeChannel(channel).catch(() => undefined); // on a dead socket there is nobody to tell
    return reason;
  }

  #listen(channel: RealtimeChannel, ready: () => void, ended: (reason: string) => void): void {
    const isCurrent = (): boolean => this.#channel === channel;
    channel
      .on('postgres_changes', this.source.binding as { event: '*'; schema: string }, (payload: Payload) => {
        if (isCurrent()) this.#receive(payload);
      })
      .on('system', {}, ({ extension, status, message }: { extension: string; status: string; message: string }) => {
        if (extension !== 'postgres_changes' || !isCurrent()) return;
        if (status !== 'ok') return ended(message);
        ready();
        this.#stopPolling();
        this.#later(() => this.#recover());
      })
      .subscribe((status, error) => {
        if (!isCurrent()) return;
        if (status === 'SUBSCRIBED') this.#enter('joined', '');
        else ended(error ? messageOf(error) : status);
      });
  }

  // Delivery: one thing at a time, in the order in which it came

  #inTurn(task: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(() => (this.#stop.signal.aborted ? undefined : task()));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  /** As `#inTurn`, for tasks that deal with what may fail: anything else is a defect, and ends the subscription. */
  #later(task: () => Promise<void>): void {
    this.#inTurn(task).catch((error: unknown) => this.#fail(error));
  }

  #receive(payload: Payload): void {
    if (this.#waiting >= this.#options.maxWaiting) {
      this.#overflowed = true;
      return;
    }
    this.#waiting += 1;
    this.#later(() => this.#handle(payload).finally(() => (this.#waiting -= 1)));
  }

  async #handle(payload: Payload): Promise<void> {
    try {
      await this.#deliver([await this.source.receive(payload)], 'stream');
      if (this.#overflowed && this.#waiting === 1) throw new Gap('events came faster than they were taken');
    } catch (error) {
      this.#overflowed = false;
      this.counts.gaps += 1;
      await this.#recover(error);
    }
  }

  /** Read what is missing, until that works: before, the application must not believe to be up to date. */
  async #recover(cause?: unknown): Promise<void> {
    let reason = cause === undefined ? '' : messageOf(cause);
    let lost = cause instanceof HistoryLost;
    const channel = this.#channel; // when it is lost, the next one recovers
    const isServed = (): boolean => channel !== null && this.#channel === channel && !this.#stop.signal.aborted;
    for (let failures = 0; isServed(); failures += 1) {
      this.#enter('recovering', reason);
      try {
        if (lost) await this.#reset(reason);
        lost = false;
        await this.#read('catch-up');
        if (isServed()) this.#enterLive();
        return;
      } catch (error) {
        reason = messageOf(error);
        lost ||= error instanceof HistoryLost;
        await this.#backOff(failures + (error instanceof HistoryLost ? 0 : 1));
      }
    }
  }

  /** The source first: what is committed while the application reads the table comes again, and none is missing. */
  async #reset(reason: string): Promise<void> {
    if (!this.#options.onReset) throw this.#fail(new Error(`${reason} (there is no onReset)`));
    this.#owedReset = reason;
    await this.source.restart();
    await this.#options.onReset(reason);
    this.#owedReset = null;
  }

  async #read(origin: Origin): Promise<void> {
    if (this.#owedReset !== null) await this.#reset(this.#owedReset);
    for await (const page of this.source.read(origin)) await this.#deliver(page, origin);
  }

  async #deliver(page: readonly Found<Row, Key, Place>[], origin: Origin): Promise<void> {
    const admitted = page.map((found) => ({ found, effects: this.source.admit(found) })).filter(({ effects }) => effects !== null);
    this.counts.repeated += page.length - admitted.length;
    const effects = admitted.flatMap((one) => one.effects ?? []);
    if (effects.length > 0) await this.#options.onEffects(effects, origin);
    for (const { found } of admitted) this.source.mark(found);
    this.counts[origin] += admitted.length;
  }

  /** Realtime may lose an event on a socket that stands. If the database cannot be asked now, the stream goes on. */
  async #audit(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await pause(this.#options.auditMs, this.#stop.signal);
      if (this.#state === 'live') await this.check().catch((error: unknown) => this.#afterAudit(error));
    }
  }

  #afterAudit(error: unknown): void {
    if (error instanceof HistoryLost) this.#later(() => this.#recover(error));
  }

  // While there is no socket

  #startPolling(): void {
    if (this.#polling || this.#stop.signal.aborted) return;
    this.#polling = new AbortController();
    void this.#poll(AbortSignal.any([this.#polling.signal, this.#stop.signal]));
  }

  #stopPolling(): void {
    this.#polling?.abort();
    this.#polling = null;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { pollAfterMs, pollMinMs, pollMaxMs } = this.#options;
    await pause(pollAfterMs, signal);
    for (let every = pollMinMs; !signal.aborted; every = Math.min(pollMaxMs, every * 1.5)) {
      await this.#inTurn(async () => {
        if (!signal.aborted && (await this.#pollOnce(signal))) every = pollMinMs / 1.5;
      });
      await pause(every, signal);
    }
  }

  /** Whether it found anything. */
  async #pollOnce(signal: AbortSignal): Promise<boolean> {
    const before = this.counts.poll;
    try {
      await this.#read('poll');
      if (!signal.aborted) this.#enter('polling', 'there is no socket');
    } catch (error) {
      if (error instanceof HistoryLost) await this.#reset(error.message).catch(() => undefined);
      else if (!signal.aborted) this.#enter('offline', messageOf(error));
    }
    return this.counts.poll > before;
  }

  // State

  #enterLive(): void {
    this.#hasBeenLive = true;
    this.#enter('live', '');
  }

  #enter(state: State, reason: string): void {
    const isLower = state === 'connecting' && (this.#state === 'polling' || this.#state === 'offline');
    if (state === this.#state || isLower || this.#state === 'closed') return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
    this.#options.onState?.(state, reason);
  }

  #fail(error: unknown): Error {
    const failure = error instanceof Error ? error : new Error(messageOf(error));
    if (this.#state !== 'closed') this.error = failure;
    this.#end(failure.message);
    return failure;
  }

  #end(reason: string): void {
    globalThis.removeEventListener?.('online', this.retryNow);
    this.#enter('closed', reason);
    this.#stop.abort();
    this.#stopPolling();
  }
}
