// A department's identity provider, as somebody else wrote it: panva's
// oidc-provider with its own sign-in pages, where any name and password will do.
// node idp.mjs <port> <address of OneGrid>; the client's secret comes from the
// environment.
import Provider from "oidc-provider";

const [port, site] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "onegrid",
    client_secret: process.env.CITY_SECRET,
    redirect_uris: [`${site}/api/session/oidc/callback`],
    post_logout_redirect_uris: [`${site}/desk/`],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  pkce: { required: () => true },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
