/**
 * Ctrl-C and its relatives.
 *
 * @module
 */

import process from "node:process";
import { isTokenError, TokenError } from "../errors.ts";

/** A signal that aborts when this process is asked to end. */
export interface Interrupt {
  /** Aborts with a `TokenError` `aborted`. */
  readonly signal: AbortSignal;
  /** Stops listening; the system's own handling is back. */
  dispose(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP, so that a wait can end in order. It hears the first of them only: a second
 * one ends the process as if nobody listened.
 */
export function interrupt(): Interrupt {
  const controller = new AbortController();
  const dispose = onSignals((name) => {
    dispose();
    controller.abort(new TokenError("aborted", `Interrupted (${name})`));
  });
  return { signal: controller.signal, dispose };
}

/** Calls `listener` for each signal that asks this process to end, until the returned function is called. */
export function onSignals(listener: (name: string) => void): () => void {
  const listeners = SIGNALS.map((name) => [name, () => listener(name)] as const);
  for (const [name, listen] of listeners) process.on(name, listen);
  return () => {
    for (const [name, listen] of listeners) process.off(name, listen);
  };
}

/** What a wait rejects with once `signal` aborted. */
export function abortError(signal: AbortSignal): TokenError {
  return isTokenError(signal.reason) ? signal.reason : new TokenError("aborted", "Interrupted");
}
