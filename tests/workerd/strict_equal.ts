/**
 * Deep equality as `deepStrictEqual` of `node:assert` has it.
 *
 * @module
 */

type Pairs = Map<object, Set<object>>;

/** What hides what is in it, though it may have properties. */
const opaque = [CryptoKey, Request, Response, Blob, FormData, ReadableStream, AbortSignal, Promise, WeakMap];

/**
 * Whether two values are the same all the way down: the same prototypes, keys and values.
 *
 * @throws {TypeError} when they are objects that hide what is in them
 */
export function isStrictlyEqual(one: unknown, other: unknown): boolean {
  return isEqual(one, other, new Map());
}

function isEqual(one: unknown, other: unknown, assumed: Pairs): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other)) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  const tag = tagOf(one);
  if (tag !== tagOf(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  // What holds itself: two rings are equal unless a difference turns up elsewhere.
  if (assumed.get(one)?.has(other)) return true;
  assumed.set(one, (assumed.get(one) ?? new Set()).add(other));
  const isSame = isSameInside(one, other, tag, assumed) && hasSameProperties(one, other, assumed);
  if (!isSame) assumed.get(one)!.delete(other);
  return isSame;
}

/** Compares what is not in properties that can be enumerated. */
function isSameInside(one: object, other: object, tag: string, assumed: Pairs): boolean {
  if (one instanceof Error && other instanceof Error) {
    return (["name", "message", "cause", "errors"] as const).every((name) =>
      isEqual(Reflect.get(one, name), Reflect.get(other, name), assumed)
    );
  }
  if (one instanceof Map && other instanceof Map) return hasSameMembers([...one], [...other], assumed);
  if (one instanceof Set && other instanceof Set) return hasSameMembers([...one], [...other], assumed);
  if (one instanceof Date) return Object.is(one.getTime(), (other as Date).getTime());
  if (one instanceof RegExp) {
    return String(one) === String(other) && one.lastIndex === (other as RegExp).lastIndex;
  }
  if (one instanceof ArrayBuffer || ArrayBuffer.isView(one)) {
    const [bytes, others] = [bytesOf(one), bytesOf(other as ArrayBuffer)];
    return bytes.length === others.length && bytes.every((byte, at) => byte === others[at]);
  }
  if (one instanceof URL) return one.href === (other as URL).href;
  if (one instanceof URLSearchParams || one instanceof Headers) {
    return isEqual([...one], [...other as Headers], assumed);
  }
  if (["[object Number]", "[object String]", "[object Boolean]", "[object BigInt]"].includes(tag)) {
    return Object.is(one.valueOf(), other.valueOf());
  }
  if (typeof one === "function") return false;
  if (Array.isArray(one) || [Object.prototype, null].includes(Object.getPrototypeOf(one))) return true;
  const showsItself = keysOf(one).length > 0 || keysOf(other).length > 0;
  if (showsItself && !opaque.some((kind) => one instanceof kind)) return true;
  throw new TypeError(`Cannot compare two ${tag}: they do not show what is in them`);
}

function hasSameProperties(one: object, other: object, assumed: Pairs): boolean {
  // The elements of bytes are properties, and were compared.
  if (ArrayBuffer.isView(one)) return true;
  if (Array.isArray(one) && one.length !== (other as unknown[]).length) return false;
  const [keys, others] = [keysOf(one), new Set(keysOf(other))];
  return keys.length === others.size &&
    keys.every((key) => others.has(key) && isEqual(Reflect.get(one, key), Reflect.get(other, key), assumed));
}

/** Each member of one has a partner of its own among the others, in any order. */
function hasSameMembers(members: readonly unknown[], others: readonly unknown[], assumed: Pairs): boolean {
  if (members.length !== others.length) return false;
  const left = [...others];
  return members.every((member) => {
    const at = left.findIndex((candidate) => isEqual(member, candidate, assumed));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

function keysOf(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}
