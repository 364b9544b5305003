/**
 * `apex-token import oidc-agent`: profiles of the accounts of oidc-agent.
 *
 * @module
 */

import {
  type AccountConfig,
  accountJson,
  accountOf,
  sameIssuer,
  speaksForItself,
} from "../../agent/account_config.ts";
import { hasAccount, openByPerson } from "../../agent/account_answer.ts";
import type { OpenAccount } from "../../agent/account.ts";
import { accountFiles } from "../../agent/account_files.ts";
import { accountServers, profileOfAccount } from "../../agent/account_server.ts";
import { agent } from "../../agent/client.ts";
import { moveAccountAside } from "../../agent/moved_account.ts";
import { isTokenError, TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Issuer } from "../../oauth/issuer.ts";
import { checkProfileName, type Profile, type Protection } from "../../profile/profile.ts";
import { findProfile } from "../../profile/profile_files.ts";
import { saveSignIn } from "../../profile/save_sign_in.ts";
import { sessionHome } from "../../profile/session_home.ts";
import { signIn } from "../../profile/sign_in.ts";
import { safeText } from "../../safe_text.ts";
import type { Session } from "../../session/session.ts";
import { chooseProtection, parseProtection } from "../protection.ts";
import { celebrate } from "../welcome.ts";

/** The options of `import`. */
export interface ImportCommand {
  /** Takes the sign-in over; the account is then no longer one. */
  readonly take?: boolean;
  readonly protect?: string;
}

/** Makes a profile of an account; without a name, says which accounts there are. */
export async function importAccount(
  host: Host,
  name: string | undefined,
  options: ImportCommand,
): Promise<void> {
  if (name === undefined) return listAccounts(host);
  checkProfileName(name);
  if (!hasAccount(host, name)) {
    throw new TokenError("unknown_profile", `There is no account "${safeText(name, 80)}" of oidc-agent`, {
      nextStep: "They are listed by: apex-token import oidc-agent",
    });
  }
  const found = findProfile(host, name);
  if (found && !(options.take && await isTaken(host, found))) {
    throw new TokenError("invalid_argument", `There is already a profile "${name}"`, {
      nextStep: `Forget it first: apex-token remove ${name}`,
    });
  }
  const home = await openByPerson(host, name);
  const account = await accountIn(home);
  if (found) return await finishTaking(host, home, account, found);
  const protect = options.protect ? parseProtection(host, options.protect) : await chooseProtection(host);
  const { signal, dispose } = host.interrupt();
  try {
    if (options.take) await take(host, home, account, protect);
    else await signInAnew(host, account, protect, signal);
  } finally {
    dispose();
  }
}

function listAccounts(host: Host): void {
  const files = accountFiles(host);
  const names = files.names();
  if (names.length === 0) return host.say("There are no accounts of oidc-agent here.");
  host.answer(names.map((name) => `${name}\n`).join(""));
  host.say("Make a profile of one: apex-token import oidc-agent NAME");
}

async function accountIn(home: OpenAccount): Promise<AccountConfig> {
  const stored = await home.sessions.read(home.name);
  return accountOf(JSON.parse(new TextDecoder().decode(stored?.value)));
}

/** A sign-in of its own: the account's stays the account's. */
async function signInAnew(
  host: Host,
  account: AccountConfig,
  protect: Protection,
  signal: AbortSignal,
): Promise<void> {
  const issuer = await accountServers(host).reach(account);
  const { caFile, allowInsecureLoopback } = profileOfAccount(account, issuer);
  const result = await signIn(host, {
    name: account.name,
    issuer: issuer.issuer,
    clientId: account.clientId,
    clientSecret: account.clientSecret,
    scope: account.scope?.split(/\s+/).filter((word) => word !== "offline_access").join(" "),
    flow: speaksForItself(account) ? "client-credentials" : "device",
    protect,
    caFile,
    allowInsecureLoopback,
    signal,
  });
  celebrate(host, result);
}

/** Moves the refresh token: it is the profile's from then on, and the account's file has none. */
async function take(
  host: Host,
  home: OpenAccount,
  account: AccountConfig,
  protect: Protection,
): Promise<void> {
  if (!account.refreshToken) {
    throw new TokenError("sign_in_required", `The account "${account.name}" has no refresh token to take`, {
      nextStep: `Make the profile with a sign-in of its own: apex-token import oidc-agent ${account.name}`,
    });
  }
  if (protect.kind === "memory") {
    throw new TokenError("invalid_argument", "Cannot take a sign-in over and keep it nowhere", {
      nextStep: "Use --protect key-file",
    });
  }
  const issuer = await accountServers(host).reach(account);
  // an agent that has it loaded would go on to renew it
  await agent().request({ request: "remove", account: account.name }).catch((error) => {
    if (!isTokenError(error)) throw error;
  });
  const lock = await home.lock(() => false);
  try {
    const now = Math.floor(host.clock.now() / 1000);
    const current = await marked(home, now);
    const profile: Profile = { ...profileOfAccount(current, issuer), name: account.name, protect };
    const nothing = { accessToken: "", tokenType: "Bearer", issuedAt: now, expiresAt: now };
    await saveSignIn(host, profile, sessionOf(current, issuer, now), nothing);
    await moveAccountAside(host, home, accountJson({ ...current, refreshToken: undefined, memory: {} }));
  } finally {
    lock?.release();
  }
  host.say(
    `The sign-in of "${account.name}" is the profile's now; what is left of the account is in ${account.name}.moved.\n` +
      `Its token: apex-token get ${account.name}`,
  );
}

/** The account with a time of its sign-in, by which the profile's is known for the same one. */
async function marked(home: OpenAccount, now: number): Promise<AccountConfig> {
  const account = await accountIn(home);
  if (account.memory.signedInAt) return account;
  const changed = { ...account, memory: { ...account.memory, signedInAt: now } };
  const version = (await home.sessions.read(home.name))?.version;
  const bytes = new TextEncoder().encode(JSON.stringify(accountJson(changed)));
  if (await home.sessions.compareAndSet(home.name, version, bytes) !== undefined) return changed;
  throw new TokenError("storage", `Another program has just written the account "${home.name}"`, {
    nextStep: "Try again",
    retryable: true,
  });
}

/** Whether a profile has a sign-in, which may be one that was taken over by half. */
async function isTaken(host: Host, profile: Profile): Promise<boolean> {
  return await sessionHome(host, profile).read() !== undefined;
}

/** Whoever took the sign-in over was ended before the account was out of the way: both have the refresh token. */
async function finishTaking(
  host: Host,
  home: OpenAccount,
  account: AccountConfig,
  profile: Profile,
): Promise<void> {
  const kept = (await sessionHome(host, profile).read())?.session;
  const { refreshToken, memory } = account;
  const isSame = kept !== undefined && refreshToken !== undefined &&
    (kept.refreshToken === refreshToken || kept.signedInAt === memory.signedInAt);
  if (!isSame) {
    throw new TokenError(
      "invalid_argument",
      `There is already a profile "${profile.name}" with another sign-in`,
      {
        nextStep: `Forget it first: apex-token remove ${profile.name}`,
      },
    );
  }
  await moveAccountAside(host, home, accountJson({ ...account, refreshToken: undefined, memory: {} }));
  host.say(`The account "${profile.name}" is out of the way now: its sign-in is the profile's.`);
}

function sessionOf(account: AccountConfig, { issuer, metadata }: Issuer, now: number): Session {
  const { clientId, clientSecret, registrationAccessToken, registrationClientUri, memory } = account;
  const isOwn = memory.tokenEndpoint === undefined || sameIssuer(issuer, account.issuer);
  return {
    format: 1,
    issuer,
    clientId,
    metadata: isOwn && memory.tokenEndpoint
      ? { ...metadata, token_endpoint: memory.tokenEndpoint }
      : metadata,
    signedInAt: memory.signedInAt || now,
    refreshToken: account.refreshToken,
    ...(memory.receivedAt === undefined ? {} : { receivedAt: memory.receivedAt }),
    ...(memory.rotation ? { rotation: memory.rotation } : {}),
    ...(account.scope ? { scope: account.scope } : {}),
    ...(clientSecret ? { clientSecret } : {}),
    ...(registrationAccessToken && registrationClientUri
      ? {
        registration: {
          clientId,
          clientSecret,
          metadata: {},
          registrationAccessToken,
          registrationClientUri,
        },
      }
      : {}),
  };
}
