// An Edge Function that a Database Webhook calls for each new row: it broadcasts the fields that the clients need.
// It can be deployed as it is (`supabase functions deploy`); the webhook sends the service role key as its bearer.

const url = Deno.env.get("SUPABASE_URL");
const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY");

Deno.serve(async (request: Request): Promise<Response> => {
  if (request.headers.get("Authorization") !== `Bearer ${key}`) {
    return new Response("Unauthorized", { status: 401 });
  }
  const topic = new URL(request.url).searchParams.get("topic");
  const { record } = await request.json();
  const payload = { seq: record.seq, room_id: record.room_id, status: record.status };
  const answer = await fetch(`${url}/realtime/v1/api/broadcast`, {
    method: "POST",
    headers: { "Content-Type": "application/json", apikey: key ?? "" },
    body: JSON.stringify({ messages: [{ topic, event: "slim", payload, private: false }] }),
  });
  return new Response(await answer.text(), { status: answer.status });
});
