/**
 * Looking for secrets where they must not be: in each form that they may take, in each view that somebody may have.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inspect } from "node:util";

/** A secret in the forms in which it may turn up; a part of it is as bad as the whole. */
export function formsOf(secret: string): string[] {
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(secret)));
  const whole = [
    secret,
    base64.replace(/=+$/, ""),
    base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
    encodeURIComponent(secret),
    new URLSearchParams([["", secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
  ];
  // every JWT begins alike
  const ends = [...(secret.startsWith("eyJ") ? [] : [secret.slice(0, 12)]), secret.slice(-12)];
  return [...new Set([...whole, ...(secret.length >= 24 ? ends : [])])];
}

/** Asserts that none of the secrets is in a text. */
export function assertAbsent(text: string, secrets: Iterable<string>, where: string): void {
  for (const secret of secrets) {
    for (const form of formsOf(secret)) {
      const at = text.indexOf(form);
      if (at < 0) continue;
      const context = text.slice(Math.max(0, at - 200), at + form.length + 100);
      assert.fail(
        `${where}: ${JSON.stringify(form)}, of ${JSON.stringify(secret)}, is to be seen in ${context}`,
      );
    }
  }
}

interface Stream {
  write(...words: unknown[]): boolean;
}

interface Inspecting {
  inspect(value: unknown, options: object): string;
}

/** Everything that printing, logging or serialising shows of a value. */
export function viewsOf(value: unknown): string {
  const { Deno, Bun } = globalThis as { Deno?: Inspecting; Bun?: Inspecting };
  const error = value instanceof Error
    ? [value.message, value.stack, value.toString(), inspect(value.cause)]
    : [];
  return [
    inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: Infinity }),
    Deno?.inspect(value, { depth: 100, showHidden: true, getters: true, strAbbreviateSize: Infinity }),
    Bun?.inspect(value, { depth: 100 }),
    JSON.stringify(value),
    JSON.stringify(structured(value)),
    String(value),
    ...error,
  ].join("\n");
}

/** All own properties, those too that are not enumerable. */
function structured(value: unknown, seen = new Set<unknown>()): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) {
    return value;
  }
  seen.add(value);
  const names = [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertySymbols(value)];
  return names.map((name) => [String(name), structured(Reflect.get(value, name), seen)]);
}

/** Listens to all that is printed. */
export interface Overheard {
  /** What was printed so far. */
  text(): string;
  stop(): void;
}

/** Begins to listen to the console and to both streams. */
export function overhear(): Overheard {
  let text = "";
  const undo: (() => void)[] = [];
  for (const name of ["log", "info", "warn", "error", "debug", "trace", "dir", "table"] as const) {
    const before = console[name];
    console[name] = (...words: unknown[]) => {
      text += words.map((word) => typeof word === "string" ? word : viewsOf(word)).join(" ") + "\n";
    };
    undo.push(() => console[name] = before);
  }
  // A Worker has a console and no streams.
  const { process } = globalThis as { process?: { stdout: Stream; stderr: Stream } };
  for (const stream of process ? [process.stdout, process.stderr] : []) {
    const before = stream.write;
    stream.write = (...words) => {
      text += typeof words[0] === "string" ? words[0] : new TextDecoder().decode(words[0] as Uint8Array);
      return before.apply(stream, words);
    };
    undo.push(() => stream.write = before);
  }
  return { text: () => text, stop: () => undo.forEach((one) => one()) };
}
