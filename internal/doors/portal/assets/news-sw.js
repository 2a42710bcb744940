// Shows that there is news of a matter, and opens its page. What it is sent says
// nothing more than that.
self.addEventListener("push", (event) => {
  let m = {};
  try {
    m = event.data ? event.data.json() : {};
  } catch {
    // not ours
  }
  if (!m.title) return;
  event.waitUntil(self.registration.showNotification(m.title, { body: m.body, tag: m.url, data: { url: m.url }, icon: "/portal/mark.svg" }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", self.location.origin);
  if (url.origin !== self.location.origin || !url.pathname.startsWith("/my/")) url.href = `${self.location.origin}/`;
  event.waitUntil(self.clients.openWindow(url.href));
});
