import { PrismaClient } from '@prisma/client'
import { createClient } from '@supabase/supabase-js'

const prisma = new PrismaClient()
const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!)

supabase
  .channel('mirror')
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'customers' }, async ({ new: row }) => {
    await prisma.customers.create({ data: row as any })
  })
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'visits' }, async ({ new: row }) => {
    await prisma.customers.update({ where: { id: row.customer_id }, data: { visits: { increment: 1 } } })
    await prisma.auditLog.create({ data: { at: new Date(), what: `visit ${row.id}` } })
  })
  .subscribe((status, error) => console.log(status, error))
