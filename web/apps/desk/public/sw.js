// The desk's service worker: it shows messages and nothing else. What it is sent
// carries number, title and link, never more (the server sees to it).
self.addEventListener("push", (event) => {
  let m = {};
  try {
    m = event.data ? event.data.json() : {};
  } catch {
    // not ours
  }
  if (!m.title) return;
  const arrived = () =>
    fetch("/api/notices/arrivals", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
      body: JSON.stringify({ delivery_id: m.delivery }),
    }).catch(() => undefined); // signed out, or no line: it stays "sent"
  event.waitUntil(
    self.registration
      .showNotification(m.title, { body: m.body, tag: m.notice, data: { url: m.url }, requireInteraction: m.urgent === true, icon: "/desk/mark.svg" })
      .then(arrived),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/desk/inbox", self.location.origin);
  if (url.origin !== self.location.origin) url.href = self.location.origin + "/desk/inbox";
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((open) => {
      const desk = open.find((c) => new URL(c.url).pathname.startsWith("/desk/"));
      return desk ? desk.focus().then((c) => c.navigate(url.href)) : self.clients.openWindow(url.href);
    }),
  );
});
