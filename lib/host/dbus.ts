/**
 * A connection to the session bus (D-Bus Specification): sign in as the user that we are, call methods, hear signals.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import process from "node:process";
import type { Clock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { authentication, BEGIN, busPaths, type DBusCall, hello, ofBus, PATIENCE } from "./_session_bus.ts";
import { type DBusMessage, type DBusValue, decodeMessage, encodeMessage } from "./dbus_wire.ts";
import type { Environment } from "./directories.ts";

/** An error that the bus or a service answered with: its name in `errorName`. */
export interface DBusFailure {
  readonly errorName: string;
}

/** A connection. */
export interface DBus {
  /**
   * Calls a method.
   *
   * @returns what it returns, or the name of the error
   * @throws {TokenError} `timeout` when nobody answers in time, `unavailable` when the bus is gone
   */
  call(call: DBusCall): Promise<{ readonly body: readonly DBusValue[] } | DBusFailure>;
  /** The body of the next signal `member` from `path`; what came before is not heard. */
  signal(path: string, member: string, wait: { milliseconds: number; signal?: AbortSignal }): Promise<
    readonly DBusValue[]
  >;
  close(): void;
}

/**
 * Connects to the session bus.
 *
 * @returns nothing where there is none
 * @throws {TokenError} `timeout` when it does not answer, `unavailable` when it turns us away
 */
export async function connectSessionBus(environment: Environment, clock: Clock): Promise<DBus | undefined> {
  for (const path of busPaths(environment)) {
    const socket = await open(path);
    if (!socket) continue;
    const bus = overSocket(socket, clock);
    try {
      await bus.begin();
      return bus;
    } catch (error) {
      bus.close();
      throw error;
    }
  }
  return undefined;
}

function open(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

interface Waiting {
  readonly resolve: (message: DBusMessage) => void;
  readonly reject: (error: TokenError) => void;
}

function overSocket(socket: Socket, clock: Clock): DBus & { begin(): Promise<void> } {
  const replies = new Map<number, Waiting>();
  const signals = new Map<string, Waiting>();
  let bytes: Uint8Array = new Uint8Array();
  let serial = 0;
  let accepted: Waiting | undefined;
  let failure: TokenError | undefined;

  const fail = (error: TokenError) => {
    failure ??= error;
    for (const { reject } of [...replies.values(), ...signals.values(), ...(accepted ? [accepted] : [])]) {
      reject(failure);
    }
    socket.destroy();
  };
  socket.on("error", () => fail(gone()));
  socket.on("close", () => fail(gone()));
  socket.on("data", (chunk: Uint8Array) => {
    const joined = new Uint8Array(bytes.length + chunk.length);
    joined.set(bytes);
    joined.set(chunk, bytes.length);
    bytes = joined;
    try {
      take();
    } catch (error) {
      fail(error as TokenError);
    }
  });

  function take(): void {
    if (accepted) {
      const end = bytes.indexOf(10);
      if (end < 0) return void (bytes.length > 4096 && fail(gone()));
      const line = new TextDecoder().decode(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
      if (!line.startsWith("OK ")) return fail(turnedAway());
      const { resolve } = accepted;
      accepted = undefined;
      resolve({ type: "return", serial: 0, body: [] });
    }
    for (let found = decodeMessage(bytes); found; found = decodeMessage(bytes)) {
      bytes = bytes.subarray(found.length);
      const { message } = found;
      const waiting = message.type === "signal"
        ? signals.get(`${message.path} ${message.member}`)
        : replies.get(message.replySerial ?? 0);
      waiting?.resolve(message);
    }
  }

  async function expect(
    put: (waiting: Waiting) => void,
    drop: () => void,
    wait: { milliseconds: number; signal?: AbortSignal },
  ): Promise<DBusMessage> {
    if (failure) throw failure;
    const settled = new AbortController();
    const { signal } = wait;
    const both = signal ? AbortSignal.any([signal, settled.signal]) : settled.signal;
    const answer = new Promise<DBusMessage>((resolve, reject) => put({ resolve, reject }));
    const late = clock.sleep(wait.milliseconds, both).then(() => {
      throw new TokenError("timeout", "The session bus did not answer in time");
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      settled.abort();
      late.catch(() => {});
      answer.catch(() => {});
      drop();
    }
  }

  async function call(what: DBusCall): Promise<{ body: readonly DBusValue[] } | DBusFailure> {
    const number = ++serial;
    const answer = expect(
      (waiting) => {
        replies.set(number, waiting);
        socket.write(encodeMessage({ type: "call", serial: number, ...what, body: what.body ?? [] }));
      },
      () => replies.delete(number),
      { milliseconds: PATIENCE },
    );
    const { type, errorName = "", body } = await answer;
    return type === "error" ? { errorName } : { body };
  }

  return {
    call,
    async begin() {
      await expect(
        (waiting) => {
          accepted = waiting;
          socket.write(authentication(process.getuid?.() ?? 0));
        },
        () => accepted = undefined,
        { milliseconds: PATIENCE },
      );
      socket.write(BEGIN);
      await call(hello);
    },
    async signal(path, member, wait) {
      const rule = `type='signal',path='${path}',member='${member}'`;
      const key = `${path} ${member}`;
      const heard = expect((waiting) => signals.set(key, waiting), () => signals.delete(key), wait);
      heard.catch(() => {});
      await call({ ...ofBus, member: "AddMatch", signature: "s", body: [rule] });
      return (await heard).body;
    },
    close: () => {
      failure ??= gone();
      socket.destroy();
    },
  };
}

function gone(): TokenError {
  return new TokenError("unavailable", "The session bus ended the connection");
}

function turnedAway(): TokenError {
  return new TokenError("unavailable", "The session bus did not let us in");
}
