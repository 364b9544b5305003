/**
 * A real network on a clock of its own: time stands still while something is on the wire, and goes on by itself as soon as
 * everybody only waits. A server that hangs for 15 s then costs some milliseconds.
 *
 * @module
 */

import type { Fetch, HttpOptions } from "../../lib/http/http.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";

export interface DrivenOptions {
  /** What sends the requests. Default: the runtime's. */
  readonly fetch?: Fetch;
}

export interface Driven {
  readonly clock: FakeClock;
  /** For the code under test. */
  readonly http: Required<Pick<HttpOptions, "clock" | "fetch" | "allowInsecureLoopback">>;
  /** From now on the answer under way, and each one after it, counts as one that does not come. */
  stick(): void;
  /** Waits for `work` and lets time go on meanwhile. */
  run<T>(work: Promise<T>): Promise<T>;
}

/** Makes one. */
export function driven({ fetch }: DrivenOptions = {}): Driven {
  const fake = fakeClock();
  const ends = new Set<{ readonly at: number }>();
  const sleep: FakeClock["sleep"] = (milliseconds, signal) => {
    // whole milliseconds: a fraction too small to be added to the time would be slept for ever
    const whole = Math.ceil(milliseconds);
    const end = { at: fake.monotonic() + whole };
    ends.add(end);
    return fake.sleep(whole, signal).finally(() => ends.delete(end));
  };
  const clock: FakeClock = { ...fake, sleep };
  let busy = 0;
  let isStuck = false;
  const tracked: Fetch = (input, init) => {
    busy++;
    // an exchange ends its own signal when it is over, however it ended
    init.signal!.addEventListener("abort", () => busy--, { once: true });
    return (fetch ?? globalThis.fetch)(input, init);
  };
  return {
    clock,
    http: { clock, fetch: tracked, allowInsecureLoopback: true },
    stick: () => {
      isStuck = true;
    },
    async run(work) {
      let isDone = false;
      const finish = () => {
        isDone = true;
      };
      work.then(finish, finish);
      while (!isDone) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (isDone || ends.size === 0 || (busy > 0 && !isStuck)) continue;
        await clock.advance(Math.min(...[...ends].map(({ at }) => at)) - clock.monotonic());
      }
      return await work;
    },
  };
}
