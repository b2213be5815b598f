// What the other modules know about a table: its names, its types and its key. Nothing here touches the network.

/** Prisma's scalar types; `Enum` stands for every enum of the schema. */
export type Scalar =
  'BigInt' | 'Boolean' | 'Bytes' | 'DateTime' | 'Decimal' | 'Enum' | 'Float' | 'Int' | 'Json' | 'String';

export interface Column {
  /** In the application. */
  readonly field: string;
  /** In the database, and so in every payload. */
  readonly column: string;
  readonly type: Scalar;
  readonly list: boolean;
  readonly optional: boolean;
  /** After `@db.` in the schema, as `Decimal(20, 6)`; empty if nothing is said. */
  readonly native: string;
  /** Of an enum: the database's label -> Prisma's name. */
  readonly values?: Readonly<Record<string, string>>;
}

/** A model of schema.prisma. `Row` is what Prisma returns for it, `Key` holds the fields of its primary key. */
export interface Model<Row extends object, Key extends object> {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly Column[];
  readonly key: readonly (keyof Key & keyof Row & string)[];
  /** Makes the Decimal that Prisma itself would return. */
  readonly decimal: (text: string) => unknown;
  /** The key of a row. */
  readonly keyOf: (row: Row) => Key;
}

/** Any record as it comes from the database: by column, in JSON's types. */
export type DatabaseRecord = Readonly<Record<string, unknown>>;

/** What is to become of one row; the only thing that passes between the modules. */
export type Effect<Row, Key> =
  | { readonly type: 'upsert'; readonly key: Key; readonly row: Row }
  | { readonly type: 'delete'; readonly key: Key };

/** A key as text, equal for equal keys: objects and bigints are no good as keys of a Map. */
export function keyText(key: object): string {
  const parts = Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(parts.map(([, value]) => (value instanceof Date ? value.toISOString() : String(value))));
}

/** Waits; ends early, and quietly, when the signal says so. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done);
  });
}

/** Full jitter: anything up to a bound that doubles with each failure, so that clients do not return together. */
export function jittered(failures: number, baseMs: number, capMs: number): number {
  return Math.random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 30));
}

export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}
