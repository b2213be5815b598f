// A row as Realtime sends it, as Prisma returns it: other names, other types.
//
// Realtime speaks the database's language (column names, the enum's labels, times with an offset), JSON has no integers
// beyond 2^53 and no decimals, and supabase-js runs `parseFloat` over every number on top. So a payload does not always
// say what the database holds. `convert` never guesses: where a value may have lost something, it says which and why,
// and the row has to be read from the database instead (`Revalidator`).

import { messageOf, type Column, type DatabaseRecord, type Model } from './model.js';

/** A value that has no exact counterpart. */
export interface Problem {
  readonly column: string;
  readonly reason: string;
}

export type Conversion<Row> =
  { readonly exact: true; readonly row: Row } | { readonly exact: false; readonly problems: readonly Problem[] };

/** A double holds every decimal number of so many digits (IEEE 754 binary64). */
const EXACT_DIGITS = 15;

/** Where a record comes from: an event, through supabase-js, or PostgreSQL's own JSON text (`exactRecord`). */
export type Provenance = 'payload' | 'text';

/**
 * The record in Prisma's names and types. Columns that the schema does not know are left out.
 *
 * Two things cannot be told. Realtime sends NaN and infinities as null: in an optional Float or Decimal they are null
 * here, too. And a string in a Json column that holds the JSON text of an object has become that object.
 */
export function convert<Row extends object, Key extends object>(
  model: Model<Row, Key>,
  record: DatabaseRecord,
  provenance: Provenance = 'payload',
): Conversion<Row> {
  const row: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const column of model.columns) {
    try {
      row[column.field] = fieldValue(column, record, model.decimal, provenance);
    } catch (error) {
      problems.push({ column: column.column, reason: messageOf(error) });
    }
  }
  return problems.length === 0 ? { exact: true, row: row as Row } : { exact: false, problems };
}

/** The primary key, from any record that holds it, an `old` one too; null if it does not, or not exactly. */
export function convertKey<Row extends object, Key extends object>(
  model: Model<Row, Key>,
  record: DatabaseRecord,
): Key | null {
  const key: Record<string, unknown> = {};
  for (const column of model.columns.filter(({ field }) => (model.key as readonly string[]).includes(field))) {
    try {
      key[column.field] = fieldValue(column, record, model.decimal, 'text');
    } catch {
      return null;
    }
  }
  return key as Key;
}

/**
 * A record from PostgreSQL's own JSON text (`to_jsonb(row)::text`) with all digits of its numbers: those that a double
 * does not hold stay text. Engines without `context.source` (before Chrome 114, Firefox 135, Safari 18.4, Node 21) give
 * rounded numbers, which `convert` then refuses.
 */
export function exactRecord<Row extends object, Key extends object>(
  model: Model<Row, Key>,
  text: string,
): DatabaseRecord {
  const plain = JSON.parse(text) as Record<string, unknown>;
  const exact = JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) as Record<string, unknown>;
  // Inside of a Json field numbers are JavaScript's, as Prisma returns them.
  for (const { column, type } of model.columns) if (type === 'Json') exact[column] = plain[column];
  return exact;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? context.source : value;
}

type MakeDecimal = (text: string) => unknown;

function fieldValue(column: Column, record: DatabaseRecord, decimal: MakeDecimal, provenance: Provenance): unknown {
  if (!(column.column in record)) throw new Error('it is not in the payload: large values that did not change are left out');
  const value = record[column.column];
  if (value === null || value === undefined) return nullOf(column);
  if (!column.list) return scalar(column, value, decimal, provenance);
  if (!Array.isArray(value)) throw new Error('not a list');
  return value.map((item: unknown) => scalar(column, item, decimal, provenance));
}

/** Prisma has no list that is null. */
function nullOf({ list, optional, type }: Column): unknown {
  if (list) return [];
  if (optional || type === 'Json') return null;
  throw new Error('it is null: NaN and infinities are sent so');
}

function scalar(column: Column, value: unknown, decimal: MakeDecimal, provenance: Provenance): unknown {
  switch (column.type) {
    case 'BigInt':
      return BigInt(integer(value));
    case 'Int':
      return Number(integer(value));
    case 'Float':
      return float(value);
    case 'Decimal':
      return decimal(decimalText(column, value));
    case 'Boolean':
      return expected(typeof value === 'boolean', value, 'boolean');
    case 'String':
      return expected(typeof value === 'string', value, 'text');
    case 'DateTime':
      return time(column, value);
    case 'Bytes':
      return bytes(value);
    case 'Enum':
      return enumName(column, value);
    case 'Json':
      return provenance === 'text' ? value : json(value);
  }
}

function expected(is: boolean, value: unknown, what: string): unknown {
  if (!is) throw new Error(`no ${what} but ${JSON.stringify(value)}`);
  return value;
}

function integer(value: unknown): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new Error(`${value} may have lost digits`);
  const text = String(value);
  expected(/^-?\d+$/.test(text), value, 'integer');
  return text;
}

function float(value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new Error(`Prisma's Float cannot hold ${String(value)}`);
  return number;
}

/**
 * A number tells nothing about the digits that it has lost: 12345678.1000000000001 arrives as 12345678.1. It is exact
 * only where the column itself has no room for more digits than a double keeps.
 */
function decimalText({ native }: Column, value: unknown): string {
  const precision = Number(/^Decimal\((\d+)/.exec(native)?.[1] ?? Infinity);
  if (typeof value === 'number' && precision > EXACT_DIGITS) {
    throw new Error(`${value} has been a double; the column may hold more than ${EXACT_DIGITS} digits`);
  }
  const text = String(value);
  expected(/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text), value, 'decimal number');
  return text;
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::\d\d)?)?)?$/;
const TIME = /^(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/;

/** Without an offset UTC is meant, as Prisma takes it. A Date keeps milliseconds, and so does Prisma. */
function time({ native }: Column, value: unknown): Date {
  const text = String(value);
  const clock = native.startsWith('Time(') || native === 'Time' ? TIME.exec(text) : null;
  const match = clock ? [text, '1970-01-01', clock[1], clock[2], 'Z'] : DATE.exec(text);
  if (!match) throw new Error(`${text} is no time that a Date can hold`);
  const [, day, hours = '00:00:00', fraction = '', offset = 'Z'] = match;
  const zone = offset.length === 3 ? `${offset}:00` : offset;
  const date = new Date(`${day}T${hours}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`);
  if (Number.isNaN(date.getTime())) throw new Error(`${text} is no time that a Date can hold`);
  return date;
}

/** Realtime sends hexadecimal digits, PostgreSQL's JSON has `\x` before them. */
function bytes(value: unknown): Uint8Array {
  const digits = /^(?:\\x)?((?:[0-9a-f]{2})*)$/i.exec(String(value))?.[1];
  if (digits === undefined) throw new Error('no hexadecimal digits');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function enumName({ values = {} }: Column, value: unknown): string {
  const name = Object.hasOwn(values, String(value)) ? values[String(value)] : undefined;
  if (name === undefined) throw new Error(`${JSON.stringify(value)} is no value of the enum in schema.prisma`);
  return name;
}

/**
 * supabase-js runs `JSON.parse` over the strings of json columns, so that the string "5" and the number 5 look alike.
 * Objects and arrays are what these columns are for, and are taken; other values are not told apart.
 */
function json(value: unknown): unknown {
  if (typeof value !== 'object') throw new Error('a JSON value that is neither object nor array cannot be told from text');
  return value;
}
