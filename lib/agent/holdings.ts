/**
 * The accounts that an agent holds: which are loaded, for how long, and under which conditions.
 *
 * @module
 */

import { fromBase64, toBase64 } from "../bytes.ts";
import type { Host } from "../host/host.ts";
import type { AccountStore, IssuerSettings, OpenAccount } from "./account.ts";
import { type AccountConfig, accountOf, sameIssuer } from "./account_config.ts";
import type { AccountServers } from "./account_server.ts";
import { accountOfBytes } from "./account_session.ts";
import { type AccountTokens, accountTokens } from "./account_tokens.ts";
import { memoryAccount } from "./memory_account.ts";

/** On which terms an account is held. */
export interface HoldingTerms {
  /** For how long, in seconds; 0 without end. */
  readonly lifetime?: number;
  /** Whether each use is confirmed. */
  readonly confirm?: boolean;
  readonly alwaysAllowIdToken?: boolean;
}

/** An account that is loaded. */
export interface Holding {
  readonly name: string;
  /** As the account has it. */
  readonly issuer: string;
  readonly home: OpenAccount;
  readonly tokens: AccountTokens;
  readonly terms: HoldingTerms;
  /** When it is dropped, in milliseconds of the monotonic clock. */
  readonly endsAt: number;
  /** Whether it is in its file, or in memory alone. */
  readonly isFiled: boolean;
}

/** The accounts. */
export interface Holdings {
  get(name: string): Holding | undefined;
  /** In the order in which they were loaded. */
  all(): Holding[];
  /** The loaded account of an issuer: its default one, or the last that was loaded. */
  ofIssuer(issuer: string): Holding | undefined;
  load(home: OpenAccount, terms: HoldingTerms, isFiled?: boolean): Promise<Holding>;
  remove(name: string): boolean;
  clear(): void;
  /** All that it takes to hold them again, as text; they are dropped. Secret. */
  packUp(): Promise<string>;
  /** Holds them again. */
  unpack(text: string): Promise<void>;
}

/** One account in {@linkcode Holdings.packUp}. */
interface Packed {
  readonly name: string;
  readonly terms: HoldingTerms;
  /** What is left of its time, in milliseconds. */
  readonly left: number | null;
  /** What opens its file, in base64. */
  readonly key?: string;
  readonly gpg?: true;
  /** The account itself, where it is in no file. */
  readonly config?: unknown;
}

/** @param lifetime how long an account is held when nobody says, in seconds */
export function holdings(
  host: Host,
  store: AccountStore,
  servers: AccountServers,
  lifetime = 0,
): Holdings {
  const held = new Map<string, Holding>();

  function sweep(): void {
    const now = host.clock.monotonic();
    for (const [name, { endsAt }] of held) if (endsAt <= now) held.delete(name);
  }

  async function load(
    home: OpenAccount,
    terms: HoldingTerms,
    isFiled = true,
    left?: number,
  ): Promise<Holding> {
    const account = await configOf(home);
    const settings = settingsOf(store.issuers(), account.issuer);
    const seconds = terms.lifetime ?? lifetime;
    const milliseconds = left ?? (seconds > 0 ? seconds * 1000 : Infinity);
    const holding: Holding = {
      name: home.name,
      issuer: account.issuer,
      home,
      tokens: accountTokens(host, home, servers, account, settings),
      terms,
      endsAt: host.clock.monotonic() + milliseconds,
      isFiled,
    };
    held.delete(home.name);
    held.set(home.name, holding);
    return holding;
  }

  async function pack({ name, terms, endsAt, home, isFiled }: Holding): Promise<Packed> {
    const left = endsAt === Infinity ? null : endsAt - host.clock.monotonic();
    const stored = isFiled ? undefined : await home.sessions.read(name);
    return {
      name,
      terms,
      left,
      ...(home.key ? { key: toBase64(home.key) } : isFiled ? { gpg: true } : {}),
      ...(stored ? { config: JSON.parse(new TextDecoder().decode(stored.value)) } : {}),
    };
  }

  async function unpackOne({ name, terms, left, key, config }: Packed): Promise<void> {
    const home = config !== undefined
      ? await memoryAccount({ ...accountOf(config), name })
      : await store.open(
        name,
        key ? { key: fromBase64(key) } : { gpg: true },
      );
    await load(home, terms, config === undefined, left ?? Infinity);
  }

  const get = (name: string) => {
    sweep();
    return held.get(name);
  };
  const all = () => {
    sweep();
    return [...held.values()];
  };
  return {
    get,
    all,
    ofIssuer: (issuer) => {
      const settings = settingsOf(store.issuers(), issuer);
      const named = [settings?.defaultAccount, ...settings?.accounts ?? []].filter((name) =>
        name !== undefined
      );
      const loaded = named.map(get).find((holding) => holding !== undefined);
      return loaded ?? all().findLast((holding) => sameIssuer(holding.issuer, issuer));
    },
    load,
    remove: (name) => {
      sweep();
      return held.delete(name);
    },
    clear: () => held.clear(),
    packUp: async () => {
      const packed = await Promise.all(all().map(pack));
      held.clear();
      return JSON.stringify(packed);
    },
    unpack: async (text) => {
      // one that cannot be opened any more is one account less, and no reason to stay locked
      await Promise.allSettled((JSON.parse(text) as Packed[]).map(unpackOne));
    },
  };
}

/** The account in an open home. */
export async function configOf(home: OpenAccount): Promise<AccountConfig> {
  const stored = await home.sessions.read(home.name);
  return { ...accountOfBytes(stored?.value ?? new TextEncoder().encode("{}")), name: home.name };
}

/** What the configuration says about an issuer. */
export function settingsOf(settings: readonly IssuerSettings[], issuer: string): IssuerSettings | undefined {
  return settings.find((one) => sameIssuer(one.issuer, issuer));
}
