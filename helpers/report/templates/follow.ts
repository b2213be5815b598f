import type { Prisma, PrismaClient, __Model__ as Row } from '@prisma/client'
import type { SupabaseClient } from '@supabase/supabase-js'

type Key = Pick<Row, __KEY_TYPE__>
const nameOf = (key: Key) => JSON.stringify([__KEY_NAMES__])

/** Follow __TABLE_TEXT__: one filtered binding, rows read again by their keys, many changes in one query. */
export function follow(
  supabase: SupabaseClient,
  prisma: PrismaClient,
  __PARAMETERS__apply: (rows: Row[], gone: Key[]) => void, // into the store, once for many changes
  waitMs = 50,
) {
  const changed: Record<string, Key> = {}
  let timer: ReturnType<typeof setTimeout> | undefined

  async function flush() {
    timer = undefined
    const keys = Object.values(changed)
    for (const key of keys) delete changed[nameOf(key)]
    // Read through Prisma: the payload has database names, and JavaScript rounds its bigint and numeric values.
    const where: Prisma.__Model__WhereInput = { OR: keys }
    const rows: Row[] = await prisma.__model__.findMany({ where })
    const there = new Set(rows.map(nameOf))
    apply(rows, keys.filter((key) => !there.has(nameOf(key))))
  }

  return supabase
    .channel(__TOPIC__)
    .on(
      'postgres_changes',
      { event: '*', schema: __SCHEMA_TEXT__, table: __TABLE_TEXT__, filter: __FILTER_TEXT__ },
      (payload) => {
        const row = payload.eventType === 'DELETE' ? payload.old : payload.new
        const key: Key = { __KEY__ }
        changed[nameOf(key)] = key
        timer ??= setTimeout(() => flush().catch(console.error), waitMs)
      },
    )
    .subscribe((status, error) => console.info(__TABLE_TEXT__, status, error ?? '')) // show it to the user as well
}
