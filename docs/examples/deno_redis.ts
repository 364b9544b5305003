/**
 * A web application on Deno that signs people in and calls an API in their names. Their sign-ins are in Redis, so that
 * any number of its processes share them: one refresh serves all.
 *
 * ```sh
 * deno add jsr:@apex/token npm:ioredis
 * export ORIGIN=https://app.example ISSUER=https://auth.apex.esa.int/realms/apex CLIENT_ID=my-app
 * export API=https://catalogue.example.apex.esa.int/collections REDIS_URL=rediss://redis.example:6379
 * export SESSION_KEY=$(openssl rand -base64 32)
 * deno run --allow-net --allow-env deno_redis.ts
 * ```
 *
 * @module
 */

import {
  type AuthorizationRequest,
  authorizationRequest,
  discover,
  isTokenError,
  tokenSource,
} from "@apex/token";
import { type StoredSession, storedSession } from "@apex/token/stores";
import { redisStore } from "@apex/token/stores/redis";
import { Redis } from "ioredis";

const store = await redisStore(new Redis(setting("REDIS_URL")));
const key = Uint8Array.from(atob(setting("SESSION_KEY")), (character) => character.charCodeAt(0));
const issuer = await discover(setting("ISSUER"));
const client = { clientId: setting("CLIENT_ID") };
const redirectUri = new URL("/callback", setting("ORIGIN")).href;

/** Sign-ins whose browser is still at the server, by its cookie. They live here: the browser must come back here. */
const underWay = new Map<string, AuthorizationRequest>();

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 8000) }, async (request) => {
  const url = new URL(request.url);
  const visitor = /(?:^|; )visitor=([\w-]+)/.exec(request.headers.get("cookie") ?? "")?.[1] ?? "";
  try {
    switch (url.pathname) {
      case "/login":
        return await login();
      case "/callback":
        return await callback(url, visitor);
      case "/logout":
        await sessionOf(visitor).remove();
        return redirect("/", "");
      default:
        return await tokenSource(issuer, client, sessionOf(visitor)).fetch(setting("API"));
    }
  } catch (error) {
    if (!isTokenError(error)) throw error;
    // Nobody has signed in here, or the server has ended it.
    if (error.code === "sign_in_required") return redirect("/login", "");
    console.error(`${error.code}: ${error.message}`);
    return new Response("This does not work now\n", { status: 502 });
  }
});

async function login(): Promise<Response> {
  const scope = "openid offline_access";
  const waiting = await authorizationRequest(issuer, client, { redirectUri, scope });
  const visitor = crypto.randomUUID();
  underWay.set(visitor, waiting);
  setTimeout(() => underWay.delete(visitor), 600_000);
  return redirect(waiting.url, visitor);
}

async function callback(url: URL, visitor: string): Promise<Response> {
  const waiting = underWay.get(visitor);
  // What comes from another browser, or answers another request, would sign somebody in as somebody else.
  if (!waiting?.accepts(url.searchParams)) return new Response("Sign in again\n", { status: 400 });
  underWay.delete(visitor);
  const tokens = await waiting.redeem(url);
  // A new name: nobody but this browser can know it.
  const signedIn = crypto.randomUUID();
  await sessionOf(signedIn).save(issuer, client, tokens);
  return redirect("/", signedIn);
}

/** A person's sign-in, in Redis under the cookie of the browser. */
function sessionOf(name: string): StoredSession {
  return storedSession({ store, key, name });
}

function redirect(location: string, visitor: string): Response {
  // Lax: the browser sends it along when the server sends it back to us.
  const cookie = `visitor=${visitor}; Path=/; HttpOnly; Secure; SameSite=Lax`;
  return new Response(null, { status: 303, headers: { location, "set-cookie": cookie } });
}

function setting(name: string): string {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`Set ${name} in the environment`);
  return value;
}
