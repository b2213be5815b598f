// Listens to a private channel of the database's broadcasts, and tells what comes.

import { finish, heard, say, settings, supabaseClient } from './harness.js';
import { Broadcasts } from './sync/broadcasts.js';

const supabase = supabaseClient(settings.key, String(settings['token']));
const broadcasts = new Broadcasts(supabase, String(settings['topic']), {
  onMessage: ({ event, payload, replayed }) => say('message', { event, payload, replayed }),
  onState: (state, reason) => say('state', reason && state === 'closed' ? `closed: ${reason}` : state),
  onIncomplete: () => say('incomplete', true),
  retryBaseMs: 100,
}).start();

for (let word = await heard(); word !== 'end' && word !== ''; word = await heard()) say('incompletes', broadcasts.incomplete);
await broadcasts.close();
await finish();
