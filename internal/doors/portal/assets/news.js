// Offers to tell this browser when there is news of the matter on this page. The
// page is whole without it: where there is no script, no secure line or a browser
// that can't, nothing is offered.
(() => {
  const box = document.getElementById("news-offer");
  if (!box || !window.isSecureContext || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  if (Notification.permission === "denied") return;
  const button = box.querySelector("button");
  const wrong = box.querySelector("[role=alert]");
  const base64 = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (key) => btoa(String.fromCharCode(...new Uint8Array(key))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function subscribe() {
    const worker = await navigator.serviceWorker.register("/portal/news-sw.js", { scope: "/portal/" });
    for (let i = 0; !worker.active && i < 100; i++) await new Promise((go) => setTimeout(go, 100));
    const options = { userVisibleOnly: true, applicationServerKey: base64(box.dataset.key) };
    try {
      return await worker.pushManager.subscribe(options);
    } catch (e) {
      // of another key: this installation was set up anew
      const old = await worker.pushManager.getSubscription();
      if (!old) throw e;
      await old.unsubscribe();
      return worker.pushManager.subscribe(options);
    }
  }

  async function on() {
    if ((await Notification.requestPermission()) !== "granted") return say(box.dataset.denied);
    const s = await subscribe();
    const answer = await fetch(`/api/public/reports/${box.dataset.number}/news`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "Accept-Language": document.documentElement.lang },
      body: JSON.stringify({ endpoint: s.endpoint, p256dh: text(s.getKey("p256dh")), auth: text(s.getKey("auth")) }),
    });
    if (!answer.ok) return say((await answer.json().catch(() => ({}))).detail || box.dataset.failed);
    location.assign(`/my/${box.dataset.number}?done=news_on#news`);
  }

  function say(what) {
    wrong.textContent = what;
    wrong.hidden = false;
    button.disabled = false;
  }

  button.addEventListener("click", () => {
    button.disabled = true;
    wrong.hidden = true;
    on().catch(() => say(box.dataset.failed));
  });
  box.hidden = false;
})();
