// The rows of a table that equal a filter, in a React component, always up to date.
//
//   const { rows, state } = useRows(messageModel, { roomId: 7n });
//
// Somewhere above: createElement(RowsProvider, { value: supabase }, …). The client belongs outside of components.

import type { SupabaseClient } from '@supabase/supabase-js';
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';

import { LiveRows, type Filter, type LiveOptions, type LiveSnapshot } from './live-rows.js';
import type { Model } from './model.js';

const RowsContext = createContext<SupabaseClient | null>(null);

export const RowsProvider = RowsContext.Provider;

/**
 * A filter or options written in the call are new objects at each render: what they say decides, not who they are.
 * StrictMode's second mount finds the first one's channel, as it is kept for a moment (`lingerMs`).
 */
export function useRows<Row extends object, Key extends object>(
  model: Model<Row, Key>,
  filter: Filter<Row> = {},
  options: LiveOptions = {},
): LiveSnapshot<Row> {
  const supabase = useContext(RowsContext);
  if (supabase === null) throw new Error('useRows needs a RowsProvider above it, with the Supabase client');
  const said = JSON.stringify([filter, options], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `said` stands for the filter and the options
  const live = useMemo(() => new LiveRows(supabase, model, filter, options), [supabase, model, said]);
  return useSyncExternalStore(live.subscribe, live.getSnapshot, live.getSnapshot);
}
