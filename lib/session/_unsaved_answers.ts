/**
 * An answer that could be written nowhere, because the store was down when it came: this process is the only place
 * where its refresh token still is.
 *
 * @module
 */

import type { Store } from "../store/store.ts";
import { decodeAttempt } from "./refresh_attempt.ts";

/**
 * Remembers the answer that `attempts` could not take, and shows it to the next renewal of this process as if it had
 * been written, as long as what is written there is still the announcement that it belongs to.
 */
export function rememberingAnswers(attempts: Store): Store {
  const unsaved = new Map<string, Uint8Array>();
  return {
    ...attempts,
    compareAndSet: async (key, expected, value) => {
      if (!decodeAttempt(value).raw) return await attempts.compareAndSet(key, expected, value);
      unsaved.set(key, value);
      const version = await attempts.compareAndSet(key, expected, value);
      unsaved.delete(key);
      return version;
    },
    read: async (key) => {
      const found = await attempts.read(key);
      const value = unsaved.get(key);
      if (!found || !value) return found;
      const [theirs, ours] = [decodeAttempt(found.value), decodeAttempt(value)];
      const isOurs = theirs.signedInAt === ours.signedInAt && theirs.token === ours.token && !theirs.raw;
      if (isOurs) return { version: found.version, value };
      unsaved.delete(key);
      return found;
    },
    remove: async (key, expected) => {
      // its answer is committed, or belongs to a sign-in that is over
      unsaved.delete(key);
      return await attempts.remove(key, expected);
    },
  };
}
