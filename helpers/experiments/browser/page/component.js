// A React component that subscribes when it appears, and what applications do when it goes.

const { createElement, useEffect, useState } = require("react");

const app = { root: null, client: null, made: [], kept: [] };

function Room({ topic, habit, order, tell }) {
  const [messages, setMessages] = useState(0);
  useEffect(() => {
    const client = habit === "a client for each mount" ? newClient(order) : app.client;
    const channel = client.channel(topic).on("broadcast", { event: "tick" }, () => setMessages((count) => count + 1));
    channel.subscribe((status, error) => tell(status, error));
    app.made.push(new WeakRef(channel));
    if (habit === "forgets") return undefined;
    return () => client.removeChannel(channel).then(() => tell("REMOVED"));
  }, [topic]);
  return createElement("p", null, `${topic}: ${messages} messages`);
}
