// Generated from schema.prisma: reading and writing __Model__ through Prisma, on a server.

__prisma_import__

import type { __Model__Key, __Model__Row } from './__accessor__.model.js';
import type { Write } from './write.js';

export const where__Model__Keys = (keys: readonly __Model__Key[]): Prisma.__Model__WhereInput =>
  (__where_keys__);

export const where__Model__ = (key: __Model__Key): Prisma.__Model__WhereUniqueInput =>
  (__where_unique__);

/** A row as Prisma takes it back. */
export const __accessor__Data = (row: __Model__Row): Prisma.__Model__UncheckedCreateInput => ({
__data__
});

/** What __users__ need of the table. */
export const __accessor__Table = (prisma: PrismaClient) => ({
  findByKeys: (keys: readonly __Model__Key[]): Promise<__Model__Row[]> =>
    prisma.__accessor__.findMany({ where: where__Model__Keys(keys) }),

  findKeys: (): Promise<__Model__Key[]> => prisma.__accessor__.findMany({ select: { __key_select__ } }),
__find_since__
  /** Deletes first: what a deleted row held, such as a unique name, may be another row's by now. */
  write: (async ({ upserts, deletes }) => {
    await prisma.$transaction([
      ...(deletes.length > 0 ? [prisma.__accessor__.deleteMany({ where: where__Model__Keys(deletes) })] : []),
      ...upserts.map((row) => {
        const data = __accessor__Data(row);
        return prisma.__accessor__.upsert({ where: where__Model__(row), create: data, update: data });
      }),
    ]);
  }) satisfies Write<__Model__Row, __Model__Key>,
});
