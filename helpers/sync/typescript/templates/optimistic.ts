// Changes that show at once and are taken back when they are refused.
//
// What the application sees is the confirmed rows with all pending edits on top, in their order. So a rollback is no
// undo of values, which would take later edits with it: the edit is left out, and the rest is applied again.

import { keyText, messageOf, type Effect } from './model.js';

/** What a row is to become: a new one, the present one changed (undefined: there is none), or undefined for no row. */
export type Edit<Row> = (row: Row | undefined) => Row | undefined;

export interface OptimisticOptions<Row> {
  /** Grows with each write of a row. Without it an answer that is older than an echo could win over it. */
  readonly version?: (row: Row) => number | bigint | string | Date;
  /** The id of the edit that wrote a row, if the row tells (a column with the client's id): its echo then confirms it. */
  readonly editOf?: (row: Row) => string | undefined;
}

export interface PendingEdit<Key> {
  readonly id: string;
  /** Of the row: the real one as soon as it is known. */
  readonly key: Key;
}

/** The edit, or one below it on the same row, was refused; the view is as if it had never been. */
export class RolledBack extends Error {}

interface Pending<Row, Key> {
  readonly id: string;
  readonly edit: Edit<Row>;
  readonly send: (id: string, key: Key) => Promise<Row | null>;
  readonly settled: { resolve: (row: Row | null) => void; reject: (error: Error) => void };
  /** How many changes had come before it. */
  readonly since: number;
  key: Key;
  text: string;
  isSent: boolean;
}

/** Rows of one model, for a user interface: `subscribe` and `getSnapshot` fit React's `useSyncExternalStore`. */
export class OptimisticStore<Row extends object, Key extends object> {
  readonly #confirmed = new Map<string, Row>();
  readonly #gone = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #pending: Pending<Row, Key>[] = [];
  #changes = 0;
  #snapshot: readonly Row[] | null = null;

  constructor(
    private readonly keyOf: (row: Row) => Key,
    private readonly options: OptimisticOptions<Row> = {},
  ) {}

  /**
   * Show an edit now, and send it when the ones before it on the same row are through.
   *
   * @param key of the row; a temporary one for a row whose key the database gives.
   * @param send writes it and returns the row as it is then, null if it is deleted. It gets an id, the same for every
   *   attempt, for the server to know a repetition by, and the key, which is no longer the temporary one.
   * @returns the confirmed row. Rejects with `RolledBack`.
   */
  apply(key: Key, edit: Edit<Row>, send: Pending<Row, Key>['send']): Promise<Row | null> {
    return new Promise((resolve, reject) => {
      const id = crypto.randomUUID();
      const settled = { resolve, reject };
      this.#pending.push({ id, key, text: keyText(key), edit, send, settled, since: this.#changes, isSent: false });
      this.#changed();
      this.#sendNext(keyText(key));
    });
  }

  /** What a subscription brought: another's change, or the echo of one's own. */
  receive(effects: readonly Effect<Row, Key>[]): void {
    for (const effect of effects) {
      this.#changes += 1;
      if (effect.type === 'delete') this.#remove(keyText(effect.key));
      else this.#echo(effect.row);
    }
    this.#changed();
  }

  /** All rows as they are now; edits that wait are kept. */
  reset(rows: readonly Row[]): void {
    this.#changes += 1;
    this.#confirmed.clear();
    this.#gone.clear();
    for (const row of rows) this.#confirmed.set(keyText(this.keyOf(row)), row);
    this.#changed();
  }

  get pending(): readonly PendingEdit<Key>[] {
    return this.#pending;
  }

  /** The row as it is shown. */
  get(key: Key): Row | undefined {
    const text = keyText(key);
    const edits = this.#pending.filter((pending) => pending.text === text);
    return edits.reduce<Row | undefined>((row, { edit }) => edit(row), this.#confirmed.get(text));
  }

  readonly getSnapshot = (): readonly Row[] => (this.#snapshot ??= this.#view());

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #view(): readonly Row[] {
    const rows = new Map<string, Row>(this.#confirmed);
    for (const { text, edit } of this.#pending) {
      const row = edit(rows.get(text));
      if (row === undefined) rows.delete(text);
      else rows.set(text, row);
    }
    return [...rows.values()];
  }

  /** One at a time for each row. */
  #sendNext(text: string): void {
    const next = this.#pending.find((pending) => pending.text === text);
    if (!next || next.isSent) return;
    next.isSent = true;
    next
      .send(next.id, next.key)
      .then(
        (row) => this.#confirm(next, row),
        (error: unknown) => this.#rollBack(next, error),
      )
      .finally(() => this.#sendNext(next.text));
  }

  #confirm(done: Pending<Row, Key>, row: Row | null): void {
    this.#pending = this.#pending.filter((pending) => pending !== done);
    if (row === null) this.#remove(done.text);
    else this.#take(row, done);
    if (this.#pending.length === 0) this.#gone.clear();
    this.#changed();
    done.settled.resolve(row);
  }

  /** What builds on a refused edit has lost its ground: it goes with it, and was never sent. */
  #rollBack(refused: Pending<Row, Key>, error: unknown): void {
    if (!this.#pending.includes(refused)) return; // its echo has come: only the answer was lost
    const undone = this.#pending.filter(({ text }) => text === refused.text);
    this.#pending = this.#pending.filter(({ text }) => text !== refused.text);
    this.#changed();
    for (const { id, settled } of undone) {
      const reason = id === refused.id ? messageOf(error) : `an edit before it was refused: ${messageOf(error)}`;
      settled.reject(new RolledBack(reason, { cause: error }));
    }
  }

  /** An echo may come before its answer, and is as good. */
  #echo(row: Row): void {
    const id = this.options.editOf?.(row);
    const own = this.#pending.find((pending) => pending.id === id);
    this.#take(row, own);
    if (!own) return;
    this.#pending = this.#pending.filter((pending) => pending !== own);
    own.settled.resolve(row);
  }

  /** Take a row for true, unless something newer is known; a temporary key becomes the real one for the edits above. */
  #take(row: Row, by?: Pending<Row, Key>): void {
    const key = this.keyOf(row);
    const text = keyText(key);
    if (by && by.text !== text) this.#rename(by, key);
    const wasDeleted = by !== undefined && (this.#gone.get(text) ?? -1) > by.since;
    if (!wasDeleted && !this.#isOlder(row, this.#confirmed.get(text))) this.#confirmed.set(text, row);
  }

  #rename(created: Pending<Row, Key>, key: Key): void {
    const temporary = created.text;
    for (const each of [created, ...this.#pending]) {
      if (each.text === temporary) [each.key, each.text] = [key, keyText(key)];
    }
  }

  #isOlder(row: Row, known: Row | undefined): boolean {
    const { version } = this.options;
    return version !== undefined && known !== undefined && version(row) < version(known);
  }

  #remove(text: string): void {
    this.#confirmed.delete(text);
    if (this.#pending.length > 0) this.#gone.set(text, this.#changes);
  }

  #changed(): void {
    this.#snapshot = null;
    for (const listener of [...this.#listeners]) listener();
  }
}
