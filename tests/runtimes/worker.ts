// A Worker that keeps one token source for all its requests. Bundled and run by workerd_test.ts.

import {
  clientCredentials,
  clientSecretBasic,
  discover,
  type Issuer,
  passwordGrant,
  tokenSource,
} from "../../mod.ts";

interface Environment {
  readonly ISSUER: string;
  readonly CLIENT_ID: string;
  readonly CLIENT_SECRET: string;
}

let known: Issuer | undefined;
let source: ReturnType<typeof tokenSource> | undefined;

async function answer(request: Request, env: Environment): Promise<Response> {
  const client = { clientId: env.CLIENT_ID, authentication: clientSecretBasic(env.CLIENT_SECRET) };
  const issuer = await discover(env.ISSUER, { allowInsecureLoopback: true });
  if (new URL(request.url).pathname === "/person") {
    // the issuer is kept, and its keys with it
    const person = { username: "ada", password: "lovelace", scope: "openid" };
    return Response.json((await passwordGrant(known ??= issuer, client, person)).claims);
  }
  const newSource = () => tokenSource(issuer, client, clientCredentials({ scope: "openid roles" }));
  const shared = new URL(request.url).pathname === "/shared";
  const { accessToken, expiresAt } = await (shared ? source ??= newSource() : newSource()).get();
  const { process, Buffer, Deno, Bun } = globalThis as Record<string, unknown>;
  const extras = Object.entries({ process, Buffer, Deno, Bun }).filter(([, value]) => value !== undefined);
  return Response.json({ accessToken, expiresAt, extras: extras.map(([name]) => name) });
}

const handler: { fetch(request: Request, env: Environment): Promise<Response> } = {
  async fetch(request, env) {
    try {
      return await answer(request, env);
    } catch (error) {
      return new Response(error instanceof Error ? error.stack : String(error), { status: 500 });
    }
  },
};

export { handler as default };
