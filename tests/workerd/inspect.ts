/**
 * What `inspect` of `node:util` is for the tests of the core: everything that printing a value would show, and more, so
 * that a secret that can be seen is seen.
 *
 * @module
 */

/** How Node, Deno and Bun ask an object what it wants to show of itself. */
const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

/** All that can be seen of a value, in one line. Properties that are not enumerable count. */
export function inspect(value: unknown, _options?: unknown): string {
  return show(value, []);
}

function show(value: unknown, around: readonly object[]): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "symbol" || value === null) return String(value);
  if (typeof value !== "object" && typeof value !== "function") return String(value);
  if (around.includes(value)) return "[Circular]";
  const inside = [...around, value];
  const custom = Reflect.get(value, CUSTOM);
  if (typeof custom === "function") {
    const shown = custom.call(value, 100, {}, inspect);
    return typeof shown === "string" ? shown : show(shown, inside);
  }
  const parts = [...members(value), ...properties(value)].map((part) =>
    part.map((one) => typeof one === "string" ? one : show(one.value, inside)).join(": ")
  );
  const name = nameOf(value);
  if (Array.isArray(value)) return `[${parts.join(", ")}]`;
  return `${name === "Object" ? "" : `${name} `}{${parts.join(", ")}}`;
}

type Part = (string | { readonly value: unknown })[];

/** What an object holds other than by a property. */
function members(value: object): Part[] {
  if (value instanceof Error) return [[`${value.name}: ${value.message}`], [String(value.stack)]];
  if (value instanceof Map || value instanceof Headers || value instanceof URLSearchParams) {
    return [...value].map(([key, value]) => [{ value: key }, { value }]);
  }
  if (value instanceof Set) return [...value].map((value) => [{ value }]);
  if (value instanceof Date) return [[Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString()]];
  if (value instanceof RegExp || value instanceof URL) return [[String(value)]];
  if (value instanceof ArrayBuffer) return [[new Uint8Array(value).join()]];
  if (Object.prototype.toString.call(value) === "[object Object]" || typeof value === "function") return [];
  const primitive = value.valueOf();
  return typeof primitive === "object" ? [] : [[String(primitive)]];
}

function properties(value: object): Part[] {
  return Reflect.ownKeys(value)
    .filter((key) =>
      !(Array.isArray(value) && key === "length") && !(value instanceof Error && key === "stack")
    )
    .map((key) => {
      const { get, value: held } = Object.getOwnPropertyDescriptor(value, key)!;
      const plain = get ? "[Getter]" : { value: held };
      return Array.isArray(value) && /^\d+$/.test(String(key)) ? [plain] : [String(key), plain];
    });
}

function nameOf(value: object): string {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return "[null prototype]";
  if (typeof value === "function") return `[function ${value.name}]`;
  return prototype.constructor?.name ?? Object.prototype.toString.call(value);
}
