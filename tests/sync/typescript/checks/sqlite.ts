// Reads a mirror's SQLite file with Prisma, through the SQLite that Node brings.

import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { ColumnTypeEnum, type ColumnType, type SqlDriverAdapter, type SqlQuery, type SqlResultSet } from '@prisma/driver-adapter-utils';

import { PrismaClient } from './generated/client.js';

const TYPES: Readonly<Record<string, ColumnType>> = {
  INTEGER: ColumnTypeEnum.Int64,
  REAL: ColumnTypeEnum.Double,
  BOOLEAN: ColumnTypeEnum.Boolean,
};

/** What a reader needs of a driver adapter: queries, each for itself. */
class NodeSqlite implements SqlDriverAdapter {
  readonly provider = 'sqlite';
  readonly adapterName = 'node:sqlite';
  constructor(private readonly database: DatabaseSync) {}

  async queryRaw({ sql, args }: SqlQuery): Promise<SqlResultSet> {
    const statement = this.database.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const columns = statement.columns();
    const types = columns.map(({ type }) => TYPES[type ?? ''] ?? ColumnTypeEnum.Text);
    const rows = statement.all(...(args as string[])) as unknown as unknown[][];
    return { columnNames: columns.map(({ name }) => name), columnTypes: types, rows: rows.map((row) => row.map(told)) };

    function told(value: unknown, place: number): unknown {
      if (value === null) return null;
      return types[place] === ColumnTypeEnum.Boolean ? Boolean(value) : typeof value === 'bigint' ? String(value) : value;
    }
  }

  executeRaw = this.#refuse;
  executeScript = this.#refuse;
  startTransaction = this.#refuse;

  async dispose(): Promise<void> {
    this.database.close();
  }

  async #refuse(): Promise<never> {
    throw new Error('only the mirror writes its file');
  }
}

const { file } = JSON.parse(process.argv[2] ?? '{}') as { file: string };
const database = new DatabaseSync(file, { readOnly: true });
const adapter = { provider: 'sqlite', adapterName: 'node:sqlite', connect: async () => new NodeSqlite(database) } as const;
const prisma = new PrismaClient({ adapter });

for await (const _ of createInterface({ input: process.stdin })) {
  const rows = await prisma.copied.findMany({ where: { amount: { not: null } }, orderBy: { id: 'asc' } });
  const text = JSON.stringify({ rows }, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  process.stdout.write(`${text}\n`);
}
