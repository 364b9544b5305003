/**
 * Where the secrets of a sign-in come from: a file, a descriptor, standard input, a prompt, the environment, the session
 * before; never an option's value.
 *
 * @module
 */

import { resolve } from "node:path";
import type { Host } from "../host/host.ts";
import type { Profile } from "../profile/profile.ts";
import { isReadOnce, readSecretFile, secretOf } from "../profile/secret_file.ts";
import { readableSession } from "../profile/session_home.ts";

/** What somebody said about secrets. */
export interface SecretOptions {
  /** The client that is signed in. */
  readonly clientId?: string;
  /** Its profile, if it was signed in before. */
  readonly before?: Profile;
  /** Whether the flow works with the client's secret alone. */
  readonly isService: boolean;
  /** A path, or `-`. */
  readonly secretFile?: string;
  readonly signal: AbortSignal;
}

/** A client secret: a file that is remembered, or the secret itself. */
export interface ClientSecret {
  readonly secretFile?: string;
  readonly clientSecret?: string;
}

/**
 * The client secret for a sign-in, if there is one. What can be read only once (a pipe, `<(…)`, `/dev/fd/3`) is not
 * remembered as a path.
 *
 * @throws {TokenError} `storage` when the file cannot be read, `invalid_argument` when it holds no secret
 */
export async function clientSecretFrom(host: Host, options: SecretOptions): Promise<ClientSecret> {
  const { before, isService, secretFile, signal } = options;
  if (secretFile === "-") return { clientSecret: await typedOrPiped(host, "client secret", signal) };
  if (secretFile !== undefined) {
    const path = resolve(secretFile);
    const secret = readSecretFile(path, "client secret");
    return isReadOnce(path) ? { clientSecret: secret } : { secretFile: path };
  }
  if (before?.secretFile || before?.privateKeyFile || before?.assertionFile) return {};
  const given = isService ? environmentSecret(host, options.clientId) : undefined;
  const clientSecret = given ?? (before && await keptSecret(host, before));
  if (clientSecret !== undefined) return { clientSecret };
  if (!isService || !host.terminal) return {};
  return { clientSecret: await host.terminal.askSecret("Client secret", { signal }) };
}

/** The client secret that the last sign-in left in the session. */
export async function keptSecret(host: Host, profile: Profile): Promise<string | undefined> {
  if (!profile.authentication.startsWith("client_secret") || profile.secretFile) return undefined;
  return (await readableSession(host, profile))?.clientSecret;
}

/**
 * Gives the password of an account when it is needed; absent where there is none to be had.
 *
 * @param passwordFile a path, or `-`
 */
export function passwordFrom(
  host: Host,
  passwordFile: string | undefined,
  signal?: AbortSignal,
): (() => Promise<string>) | undefined {
  if (passwordFile === "-") return () => typedOrPiped(host, "password", signal);
  if (passwordFile !== undefined) {
    // what is wrong with the file is said before anything is sent
    const password = readSecretFile(resolve(passwordFile), "password");
    return () => Promise.resolve(password);
  }
  const { terminal } = host;
  return terminal && (() => terminal.askSecret("Password (it is sent once and not kept)", { signal }));
}

/**
 * The secret on standard input: all of it, or what somebody types unseen.
 *
 * @param what what it is, for messages
 * @throws {TokenError} `invalid_argument` when it is empty or no text, `aborted` when nobody wants to type it
 */
export async function typedOrPiped(host: Host, what: string, signal?: AbortSignal): Promise<string> {
  // a terminal would show it while it is typed
  if (host.terminal) return await host.terminal.askSecret(what[0].toUpperCase() + what.slice(1), { signal });
  return secretOf(await host.readInput(), what);
}

/** That of another client is none of ours. */
function environmentSecret(host: Host, clientId?: string): string | undefined {
  const owner = host.environment("APEX_CLIENT_ID");
  return owner === undefined || owner === clientId ? host.environment("APEX_CLIENT_SECRET") : undefined;
}
