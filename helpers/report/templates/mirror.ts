import { Prisma, PrismaClient } from '@prisma/client'
import type { SupabaseClient } from '@supabase/supabase-js'

/** Keep a copy of __TABLE__ in step: one filtered binding, rows read again by id, one transaction for many changes. */
export function follow(supabase: SupabaseClient, prisma: PrismaClient, waitMs = 50) {
  const changed = new Set<bigint>()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function flush() {
    timer = undefined
    const id = { in: [...changed] }
    changed.clear()
    // Read through Prisma: the payload has database names, and JavaScript rounds its bigint and numeric values.
    const rows = await prisma.__model__.findMany({ where: { id } })
    await prisma.$transaction([
      prisma.__copy__.deleteMany({ where: { id } }), // an event that comes twice does no harm
      prisma.__copy__.createMany({ data: rows as Prisma.__Copy__CreateManyInput[] }),
    ])
  }

  return supabase
    .channel('__TABLE__:__FILTER__')
    .on(
      'postgres_changes',
      { event: '*', schema: '__SCHEMA__', table: '__TABLE__', filter: '__FILTER__' },
      (payload) => {
        const row = payload.eventType === 'DELETE' ? payload.old : payload.new
        changed.add(BigInt(row['id']))
        timer ??= setTimeout(() => flush().catch(console.error), waitMs)
      },
    )
    .subscribe((status, error) => console.info('__TABLE__', status, error ?? '')) // show it to the user as well
}
