// Broadcasts of a private channel, with those that were sent while nobody listened.
//
// Realtime keeps broadcasts that come from the database (`realtime.send`, `realtime.broadcast_changes`), and replays at
// most 25 of them at a join, from a moment on that the joining client names. supabase-js joins again by itself, but with
// the moment of its first join: so a channel that was lost is replaced here by one that asks from the last message on.
//
// The client must know its user by itself, by a session or by the option `accessToken`: a token that was handed to
// `realtime.setAuth` is forgotten with the socket, and the next join is refused as that of a stranger.

import type { RealtimeChannel, SupabaseClient } from '@supabase/supabase-js';

import { jittered, messageOf, pause } from './model.js';

/** At most so many are replayed. */
const REPLAYED = 25;

/** Ids that are remembered, to know a message again. */
const KEPT = 10_000;

/** Refusals that another attempt does not change: by the policies of `realtime.messages`, and of what was asked for. */
const LASTING = /do not have permissions|UnableToReplayMessages|given parameters/i;

/** A channel that held for so long was a success: the next attempt does not wait long. */
const STABLE_MS = 10_000;

export interface Message {
  readonly event: string;
  readonly payload: unknown;
  /** Given by the database; null for what a client sent, which is not kept. */
  readonly id: string | null;
  /** Whether it was sent while nobody listened. */
  readonly replayed: boolean;
}

export interface BroadcastsOptions {
  /** Gets every message once, those that are replayed among them. */
  readonly onMessage: (message: Message) => void;
  /** It is closed for good when it was asked to, or refused for a reason that lasts. */
  readonly onState?: (state: 'joining' | 'joined' | 'closed', reason: string) => void;
  /** The server replayed all that it replays, and none was known: there may be more that nobody will tell. */
  readonly onIncomplete?: () => void;
  /** Unix time in milliseconds from which on messages are wanted; without it those from the first join on. */
  readonly sinceMs?: number;
  /** How much earlier than the last message is asked for: clocks differ, and messages overtake each other. */
  readonly overlapMs?: number;
  readonly retryBaseMs?: number;
  readonly retryCapMs?: number;
}

const DEFAULTS = { overlapMs: 30_000, retryBaseMs: 500, retryCapMs: 10_000 } as const;

interface Received {
  readonly event: string;
  readonly payload?: unknown;
  readonly meta?: { readonly id?: string; readonly replayed?: boolean };
}

export class Broadcasts {
  /** Joins after which there may be messages that nobody will tell. */
  incomplete = 0;
  readonly #options;
  readonly #stop = new AbortController();
  readonly #known = new Set<string>();
  #since: number | null;
  #unknownInARow = 0;
  #channel: RealtimeChannel | null = null;
  #supervisor: Promise<void> | null = null;

  constructor(
    private readonly supabase: SupabaseClient,
    private readonly topic: string,
    options: BroadcastsOptions,
  ) {
    this.#options = { ...DEFAULTS, ...options };
    this.#since = options.sinceMs ?? null;
  }

  start(): this {
    this.#supervisor ??= this.#supervise();
    return this;
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#supervisor;
  }

  async #supervise(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      const since = Date.now();
      const reason = await this.#useOneChannel();
      const isOver = this.#stop.signal.aborted;
      if (isOver || LASTING.test(reason)) return this.#options.onState?.('closed', isOver ? '' : reason);
      failures = Date.now() - since > STABLE_MS ? 0 : failures + 1;
      this.#options.onState?.('joining', reason);
      await pause(jittered(failures, this.#options.retryBaseMs, this.#options.retryCapMs), this.#stop.signal);
    }
  }

  /** Joins, and returns why that came to an end. */
  async #useOneChannel(): Promise<string> {
    const channel = this.supabase.channel(this.topic, { config: this.#config() });
    this.#channel = channel;
    const over = new AbortController();
    const reason = await new Promise<string>((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve('closed'), { signal: over.signal });
      channel
        .on('broadcast', { event: '*' }, (message: Received) => this.#receive(channel, message))
        .subscribe((status, error) => {
          if (this.#channel !== channel) return;
          if (status === 'SUBSCRIBED') this.#options.onState?.('joined', '');
          else resolve(error ? messageOf(error) : status);
        });
    });
    over.abort();
    this.#channel = null;
    await this.supabase.removeChannel(channel).catch(() => undefined); // on a dead socket there is nobody to tell
    return reason;
  }

  #config(): { private: true; broadcast: { replay?: { since: number; limit: number } } } {
    this.#unknownInARow = 0;
    const replay = this.#since === null ? {} : { replay: { since: this.#since, limit: REPLAYED } };
    this.#since ??= this.#overlapped();
    return { private: true, broadcast: replay };
  }

  #receive(channel: RealtimeChannel, { event, payload, meta }: Received): void {
    const id = meta?.id ?? null;
    if (this.#channel !== channel || (id !== null && this.#known.has(id))) return;
    const replayed = meta?.replayed ?? false;
    if (id !== null) this.#remember(id);
    if (replayed) this.#countUnknown();
    else this.#since = this.#overlapped();
    this.#options.onMessage({ event, payload, id, replayed });
  }

  /** The oldest is forgotten first: a Set keeps the order of its making. */
  #remember(id: string): void {
    this.#known.add(id);
    const [oldest] = this.#known;
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest);
  }

  #countUnknown(): void {
    this.#unknownInARow += 1;
    if (this.#unknownInARow !== REPLAYED) return;
    this.incomplete += 1;
    this.#options.onIncomplete?.();
  }

  #overlapped(): number {
    return Date.now() - this.#options.overlapMs;
  }
}
