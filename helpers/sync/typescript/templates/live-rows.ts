// The rows of a screen, kept up to date: what `useRows` shows. Without React, for other frameworks too.

import type { SupabaseClient } from '@supabase/supabase-js';

import { convert } from './convert.js';
import { keyText, type Column, type DatabaseRecord, type Effect, type Model } from './model.js';
import { Snapshot } from './snapshot.js';
import { Subscription, type State, type SubscriptionOptions } from './subscription.js';

/** Fields that rows must equal. The first is Realtime's filter, all of them are those of the query. */
export type Filter<Row> = { readonly [Field in keyof Row]?: Row[Field] & (string | number | bigint | boolean) };

export interface LiveSnapshot<Row> {
  readonly rows: readonly Row[];
  readonly state: State;
  /** Why it is closed, if it was refused. */
  readonly error: Error | null;
}

export type LiveOptions = Omit<SubscriptionOptions<never, never>, 'onEffects' | 'onReset' | 'onState'> & {
  /** More rows than this are an error: a screen shows pages. */
  readonly maxRows?: number;
  /** How long the channel is kept after nobody looks any more: a remount finds it still there. */
  readonly lingerMs?: number;
};

/** PostgREST gives no more than so many at once (a project's `max_rows` is 1,000 by default). */
const PAGE = 1_000;

/** An external store: `subscribe` and `getSnapshot`. Joins with its first listener, and leaves after its last. */
export class LiveRows<Row extends object, Key extends object> {
  readonly #rows = new Map<string, Row>();
  readonly #listeners = new Set<() => void>();
  readonly #source: Snapshot<Row, Key>;
  #snapshot: LiveSnapshot<Row> = { rows: [], state: 'idle', error: null };
  #subscription: Subscription<Row, Key, null> | null = null;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly supabase: SupabaseClient,
    private readonly model: Model<Row, Key>,
    private readonly filter: Filter<Row> = {},
    private readonly options: LiveOptions = {},
  ) {
    const belongs = (row: Row): boolean => this.#conditions().every(([{ field }, value]) => row[field as keyof Row] === value);
    this.#source = new Snapshot(model, () => this.#load(), (key) => this.#find(key), belongs, this.#realtimeFilter());
  }

  readonly getSnapshot = (): LiveSnapshot<Row> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    clearTimeout(this.#leaving);
    this.#subscription ??= this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#leaving = setTimeout(() => this.#leave(), this.options.lingerMs ?? 1_000);
    };
  };

  #start(): Subscription<Row, Key, null> {
    const { maxRows: _, lingerMs: __, ...options } = this.options;
    const subscription: Subscription<Row, Key, null> = new Subscription(this.supabase, this.#source, {
      ...options,
      onEffects: (effects) => this.#apply(effects),
      onState: (state) => {
        if (subscription === this.#subscription) this.#tell({ state, error: subscription.error });
      },
    });
    return subscription.start();
  }

  #leave(): void {
    const subscription = this.#subscription;
    this.#subscription = null;
    void subscription?.close();
    this.#tell({ state: 'idle' });
  }

  #apply(effects: readonly Effect<Row, Key>[]): void {
    for (const effect of effects) {
      if (effect.type === 'delete') this.#rows.delete(keyText(effect.key));
      else this.#rows.set(keyText(effect.key), effect.row);
    }
    this.#tell({ rows: [...this.#rows.values()] });
  }

  #tell(news: Partial<LiveSnapshot<Row>>): void {
    this.#snapshot = { ...this.#snapshot, ...news };
    for (const listener of [...this.#listeners]) listener();
  }

  // Reading, with the rights of whoever is signed in

  async #load(): Promise<readonly Row[]> {
    const rows: Row[] = [];
    const most = this.options.maxRows ?? 10_000;
    for (;;) {
      const page = await this.#select(rows.length, PAGE, this.#conditions());
      rows.push(...page);
      if (page.length < PAGE) return rows;
      if (rows.length >= most) throw new Error(`${this.model.table} has more than ${most} such rows: filter further`);
    }
  }

  async #find(key: Key): Promise<Row | null> {
    const columns = this.#columnsOf(key);
    const [row] = await this.#select(0, 1, [...columns, ...this.#conditions()]);
    return row ?? null;
  }

  async #select(from: number, count: number, conditions: readonly (readonly [Column, unknown])[]): Promise<Row[]> {
    let query = this.supabase.schema(this.model.schema).from(this.model.table).select(selection(this.model.columns));
    for (const [{ column }, value] of conditions) query = query.eq(column, String(value));
    for (const field of this.model.key) query = query.order(this.#column(field).column) as typeof query;
    const { data, error } = await query.range(from, from + count - 1).abortSignal(AbortSignal.timeout(10_000));
    if (error) throw new Error(`reading ${this.model.table}: ${error.message}`, { cause: error });
    return (data as unknown as DatabaseRecord[]).map((record) => this.#row(record));
  }

  #row(record: DatabaseRecord): Row {
    const converted = convert(this.model, record);
    if (converted.exact) return converted.row;
    throw new Error(converted.problems.map(({ column, reason }) => `${column}: ${reason}`).join('; '));
  }

  // Names

  #conditions(): (readonly [Column, unknown])[] {
    return this.#columnsOf(this.filter);
  }

  #columnsOf(fields: object): (readonly [Column, unknown])[] {
    return Object.entries(fields).map(([field, value]) => [this.#column(field), value] as const);
  }

  #column(field: string): Column {
    const found = this.model.columns.find((column) => column.field === field);
    if (!found) throw new Error(`${this.model.name} has no field ${field}`);
    return found;
  }

  #realtimeFilter(): string | undefined {
    const [first] = this.#conditions();
    return first && `${first[0].column}=eq.${databaseText(first[0], first[1])}`;
  }
}

function databaseText(column: Column, value: unknown): string {
  const label = Object.entries(column.values ?? {}).find(([, name]) => name === value);
  return label ? label[0] : String(value);
}

/** Numbers that JSON would round are asked for as text. */
function selection(columns: readonly Column[]): string {
  const needsText = ({ type, list }: Column): boolean => !list && (type === 'BigInt' || type === 'Decimal');
  return columns.map((column) => (needsText(column) ? `${quoted(column.column)}::text` : quoted(column.column))).join(',');
}

function quoted(name: string): string {
  return /^\w+$/.test(name) ? name : `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
