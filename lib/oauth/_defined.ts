/**
 * Members that are there.
 *
 * @module
 */

/** `members` without those that are `undefined`. */
export function defined<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
