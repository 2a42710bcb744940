import type { Reaches } from "@onegrid/api";
import { api } from "../../desk/api";

// Web Push on this device: the service worker shows a message also while the
// desk is closed. It needs a page loaded securely and a browser that can.

export type PushState = "off" | "on" | "denied" | "unable" | "insecure";

const worker = "/desk/sw.js";

export async function pushState(): Promise<PushState> {
  if (!window.isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return "unable";
  if (Notification.permission === "denied") return "denied";
  const r = await navigator.serviceWorker.getRegistration("/desk/");
  return (await r?.pushManager.getSubscription()) ? "on" : "off";
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const raw = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

function text(key: ArrayBuffer | null): string {
  return btoa(String.fromCharCode(...new Uint8Array(key ?? new ArrayBuffer(0))))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}

/** What this browser is called in the list of devices. */
function label(): string {
  const a = navigator.userAgent;
  const browser = /Edg\//.test(a) ? "Edge" : /Firefox\//.test(a) ? "Firefox" : /Chrome\//.test(a) ? "Chrome" : /Safari\//.test(a) ? "Safari" : "Browser";
  const system = /Android/.test(a) ? "Android" : /iPhone|iPad/.test(a) ? "iOS" : /Windows/.test(a) ? "Windows" : /Mac OS/.test(a) ? "macOS" : /Linux/.test(a) ? "Linux" : "";
  return [browser, system].filter(Boolean).join(" · ");
}

export async function pushOn(reaches: Reaches): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") return;
  const r = await navigator.serviceWorker.register(worker, { scope: "/desk/" });
  await navigator.serviceWorker.ready;
  const s = await r.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(reaches.push_key ?? "") });
  try {
    await api().send("POST", "/notices/devices", { endpoint: s.endpoint, p256dh: text(s.getKey("p256dh")), auth: text(s.getKey("auth")), label: label() });
  } catch (e) {
    await s.unsubscribe();
    throw e;
  }
}

export async function pushOff(): Promise<void> {
  const r = await navigator.serviceWorker.getRegistration("/desk/");
  await (await r?.pushManager.getSubscription())?.unsubscribe();
}
