import { PrismaClient } from '@prisma/client'
import { createClient } from '@supabase/supabase-js'

const prisma = new PrismaClient()
const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SECRET_KEY!)

const channel = supabase
  .channel('payments-to-ledger')
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'payments' }, async ({ new: payment }) => {
    await prisma.ledgerEntry.create({ data: { paymentId: payment.id, amount: payment.amount } })
  })
  .subscribe((status, error) => {
    if (status !== 'SUBSCRIBED') console.error(status, error)
  })

process.on('SIGINT', () => supabase.removeChannel(channel))
