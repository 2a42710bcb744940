import { type Client, isFault, makeClient, type Session } from "@onegrid/api";
import { ref } from "vue";
import { useSession } from "./session";

let client: Client | undefined;

/** Set once somebody must sign in again; the app shows the sign-in page. */
export const signedOut = ref(false);

/** The one client of this tab. */
export function api(): Client {
  client ??= makeClient({
    post: () => useSession().postId,
    language: () => useSession().language,
    onSignedOut: () => (signedOut.value = true),
  });
  return client;
}

/** Asks once who is signed in; nobody is an answer, not a failure. */
export async function whoAmI(): Promise<Session | undefined> {
  try {
    return await api().get<Session>("/session");
  } catch (e) {
    if (isFault(e) && (e.status === 401 || e.status === 404)) return undefined;
    if (isFault(e) && e.status === 403 && useSession().postId) {
      useSession().actAs(undefined); // the post kept in this tab is no longer ours
      return whoAmI();
    }
    throw e;
  }
}
