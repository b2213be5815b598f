import { supabase } from './supabase.mjs'

const shelf = document.querySelector('#shelf')
const warehouse = shelf.dataset.warehouse

supabase
  .channel('stock')
  .on(
    'postgres_changes',
    { event: 'DELETE', schema: 'public', table: 'stock', filter: `warehouse=eq.${warehouse}` },
    ({ old: gone }) => document.getElementById(`${gone.warehouse}/${gone.sku}`)?.remove(),
  )
  .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'prices' }, ({ old: was, new: is }) => {
    const risen = is.cents > was.cents
    for (const label of document.querySelectorAll(`[data-sku="${is.sku}"] .price`)) {
      label.textContent = `${is.cents / 100} ${risen ? '▲' : '▼'}`
    }
  })
  .subscribe((status, error) => {
    shelf.classList.toggle('stale', status !== 'SUBSCRIBED')
    if (error) console.error(error)
  })
