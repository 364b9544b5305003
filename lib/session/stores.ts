/**
 * Stores: what keeps sign-ins and tokens for many processes, and the encryption of whatever any of them keeps.
 *
 * ```ts ignore
 * import { discover, tokenSource } from "@apex/token";
 * import { storedSession } from "@apex/token/stores";
 * import { redisStore } from "@apex/token/stores/redis";
 *
 * const session = storedSession({ store: await redisStore(redis), key, name: "catalogue" });
 * const source = tokenSource(await discover("https://auth.apex.esa.int/realms/apex"), { clientId }, session);
 * ```
 *
 * @module
 */

export * from "../store/mod.ts";
export {
  type SaveOptions,
  type SignedIn,
  type StoredSession,
  storedSession,
  type StoredSessionOptions,
} from "./stored_session.ts";
export { storedTokens, type StoredTokensOptions } from "./stored_tokens.ts";
