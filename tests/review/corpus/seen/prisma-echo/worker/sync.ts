import { PrismaClient } from '@prisma/client'
import { createClient } from '@supabase/supabase-js'

const prisma = new PrismaClient()
const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!)

const channel = supabase
  .channel('invoice-sync')
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'invoices' }, async (payload) => {
    await prisma.invoice.create({ data: payload.new as never })
  })
  .subscribe((status, error) => {
    if (error) console.error(`realtime: ${status}`, error)
  })

process.on('SIGTERM', async () => {
  await supabase.removeChannel(channel)
  await prisma.$disconnect()
})
