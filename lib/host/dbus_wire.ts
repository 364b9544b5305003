/**
 * The bytes of D-Bus messages (D-Bus Specification, "Message Protocol"): values by their signature, and whole messages.
 * Pure.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/** A value: numbers, strings, bytes (`ay`), arrays of values, and a variant with its signature. */
export type DBusValue = number | bigint | string | boolean | Uint8Array | readonly DBusValue[] | DBusVariant;

/** A value that says its own type. */
export interface DBusVariant {
  readonly signature: string;
  readonly value: DBusValue;
}

/** A message. Dictionaries are arrays of pairs. */
export interface DBusMessage {
  readonly type: "call" | "return" | "error" | "signal";
  readonly serial: number;
  readonly replySerial?: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly destination?: string;
  readonly sender?: string;
  readonly signature?: string;
  readonly body: readonly DBusValue[];
}

/** The largest message that is read, in bytes. The specification allows 128 MiB; ours hold one key. */
const LIMIT = 1024 * 1024;
const DEPTH = 16;
const TYPES = ["call", "return", "error", "signal"] as const;
const FIELDS = [
  ["path", 1, "o"],
  ["interface", 2, "s"],
  ["member", 3, "s"],
  ["errorName", 4, "s"],
  ["replySerial", 5, "u"],
  ["destination", 6, "s"],
  ["sender", 7, "s"],
  ["signature", 8, "g"],
] as const;
const ALIGNMENT: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, h: 4, x: 8, t: 8, d: 8 },
  ...{ "(": 8, "{": 8 },
};

/** The bytes of a message, little-endian. */
export function encodeMessage(message: DBusMessage): Uint8Array {
  const body: number[] = [];
  splitSignature(message.signature ?? "").forEach((type, index) => write(body, type, message.body[index]));
  const fields = FIELDS.filter(([name]) => message[name] !== undefined)
    .map(([name, code, signature]) => [code, { signature, value: message[name]! }]);
  const head: number[] = [];
  const values = [0x6c, TYPES.indexOf(message.type) + 1, 0, 1, body.length, message.serial, fields];
  splitSignature("yyyyuua(yv)").forEach((type, index) => write(head, type, values[index]));
  pad(head, 8);
  return Uint8Array.from([...head, ...body]);
}

/**
 * The first message in `bytes`.
 *
 * @returns the message and its length; nothing while it is not complete
 * @throws {TokenError} `invalid_response` when it is none
 */
export function decodeMessage(bytes: Uint8Array): { message: DBusMessage; length: number } | undefined {
  if (bytes.length < 16) return undefined;
  if (bytes[0] !== 0x6c && bytes[0] !== 0x42) throw broken();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x6c;
  const bodyAt = up(16 + view.getUint32(12, little), 8);
  const length = bodyAt + view.getUint32(4, little);
  if (length > LIMIT) throw broken();
  if (bytes.length < length) return undefined;
  const type = TYPES[bytes[1] - 1];
  if (!type) throw broken();
  const head: Reader = { view: new DataView(view.buffer, view.byteOffset, bodyAt), at: 12, little };
  const found: Record<string, unknown> = {};
  for (const entry of read(head, "a(yv)", 0) as [number, DBusVariant][]) {
    const field = FIELDS.find(([, code, signature]) => code === entry[0] && signature === entry[1].signature);
    if (field) found[field[0]] = entry[1].value;
  }
  const reader: Reader = { view: new DataView(view.buffer, view.byteOffset, length), at: bodyAt, little };
  const body = splitSignature((found.signature as string | undefined) ?? "").map((one) =>
    read(reader, one, 0)
  );
  return { message: { ...found, type, serial: view.getUint32(8, little), body }, length };
}

/** The complete types in a signature: `sa{sv}u` is `s`, `a{sv}` and `u`. */
export function splitSignature(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at, 0);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number, depth: number): number {
  const first = signature[at];
  if (first === undefined || ALIGNMENT[first] === undefined || depth > DEPTH) throw broken();
  if (first === "a") return endOfType(signature, at + 1, depth + 1);
  if (first !== "(" && first !== "{") return at + 1;
  const close = first === "(" ? ")" : "}";
  at++;
  while (signature[at] !== close) at = endOfType(signature, at, depth + 1);
  return at + 1;
}

function pad(out: number[], alignment: number): void {
  while (out.length % alignment !== 0) out.push(0);
}

function write(out: number[], type: string, value: DBusValue): void {
  pad(out, ALIGNMENT[type[0]]);
  const whole = () => {
    for (let shift = 0; shift < 32; shift += 8) out.push(Number(value) >>> shift & 0xff);
  };
  switch (type[0]) {
    case "y":
      return void out.push(value as number);
    case "b":
    case "u":
    case "i":
      return whole();
    case "s":
    case "o": {
      const bytes = new TextEncoder().encode(value as string);
      write(out, "u", bytes.length);
      return void out.push(...bytes, 0);
    }
    case "g":
      return void out.push((value as string).length, ...new TextEncoder().encode(value as string), 0);
    case "v": {
      const { signature, value: inner } = value as DBusVariant;
      write(out, "g", signature);
      return write(out, signature, inner);
    }
    case "(":
    case "{":
      return splitSignature(type.slice(1, -1)).forEach((one, index) =>
        write(out, one, (value as DBusValue[])[index])
      );
    case "a": {
      const items: number[] = [];
      // what is inside is aligned from the message's beginning, which the array's own begins are not
      const start = up(out.length + 4, ALIGNMENT[type[1]]);
      items.length = start % 8;
      items.fill(0);
      const skipped = items.length;
      for (const item of value as readonly DBusValue[]) write(items, type.slice(1), item);
      write(out, "u", items.length - skipped);
      pad(out, ALIGNMENT[type[1]]);
      return void out.push(...items.slice(skipped));
    }
  }
  throw broken();
}

interface Reader {
  readonly view: DataView;
  at: number;
  readonly little: boolean;
}

function read(reader: Reader, type: string, depth: number): DBusValue {
  if (depth > DEPTH) throw broken();
  reader.at = up(reader.at, ALIGNMENT[type[0]]);
  const { view, little } = reader;
  const at = (size: number) => {
    const from = reader.at;
    if (from + size > view.byteLength) throw broken();
    reader.at += size;
    return from;
  };
  const text = (length: number) => {
    const from = at(length + 1);
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + from, length));
  };
  switch (type[0]) {
    case "y":
      return view.getUint8(at(1));
    case "n":
      return view.getInt16(at(2), little);
    case "q":
      return view.getUint16(at(2), little);
    case "b":
      return view.getUint32(at(4), little) === 1;
    case "i":
      return view.getInt32(at(4), little);
    case "u":
    case "h":
      return view.getUint32(at(4), little);
    case "x":
      return view.getBigInt64(at(8), little);
    case "t":
      return view.getBigUint64(at(8), little);
    case "d":
      return view.getFloat64(at(8), little);
    case "s":
    case "o":
      return text(view.getUint32(at(4), little));
    case "g":
      return text(view.getUint8(at(1)));
    case "v": {
      const signature = text(view.getUint8(at(1)));
      if (splitSignature(signature).length !== 1) throw broken();
      return { signature, value: read(reader, signature, depth + 1) };
    }
    case "(":
    case "{":
      return splitSignature(type.slice(1, -1)).map((one) => read(reader, one, depth + 1));
    default:
      return readArray(reader, type.slice(1), depth);
  }
}

function readArray(reader: Reader, type: string, depth: number): DBusValue {
  const length = read(reader, "u", depth) as number;
  reader.at = up(reader.at, ALIGNMENT[type[0]]);
  const end = reader.at + length;
  if (end > reader.view.byteLength) throw broken();
  if (type === "y") {
    const bytes = new Uint8Array(reader.view.buffer, reader.view.byteOffset + reader.at, length).slice();
    reader.at = end;
    return bytes;
  }
  const items: DBusValue[] = [];
  while (reader.at < end) items.push(read(reader, type, depth + 1));
  if (reader.at !== end) throw broken();
  return items;
}

function up(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function broken(): TokenError {
  return new TokenError("invalid_response", "Cannot understand the session bus: that is no D-Bus message");
}
