// Generated from schema.prisma: the model __Model__, as Realtime and Prisma know it. Runs in a browser, too.

import type { Prisma } from '__client__';
import { Prisma as Values } from '__browser__';

import type { Column, Effect, Model } from './model.js';

export type __Model__Row = Prisma.__Model__GetPayload<object>;
export type __Model__Key = Pick<__Model__Row, __key_type__>;
export type __Model__Effect = Effect<__Model__Row, __Model__Key>;

const columns: readonly Column[] = [
__columns__
];

export const __accessor__Model: Model<__Model__Row, __Model__Key> = {
  name: __name__,
  schema: __schema__,
  table: __table__,
  columns,
  key: [__key__],
  decimal: (text) => new Values.Decimal(text),
  keyOf: (row) => ({ __key_of_row__ }),
};
