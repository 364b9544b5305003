/**
 * Stands between a client and a server, and loses an answer when it is told to.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";

/** A way to a server on which answers get lost. */
export interface LossyProxy {
  /** Where a client connects. */
  readonly socket: string;
  /** Hands the next request on, but breaks the connection instead of handing its answer back. */
  loseNextAnswer(): void;
  /** How many answers it has lost. */
  lost(): number;
  close(): Promise<void>;
}

/** Listens beside the Unix socket of a server. */
export async function startLossyProxy(server: string): Promise<LossyProxy> {
  const socket = `${server}-lossy`;
  const open = new Set<Socket>();
  let losing = false;
  let lost = 0;

  const listener = createServer((client) => {
    const upstream = connect(server);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const side of [client, upstream]) {
      open.add(side);
      side.on("error", end);
      side.on("close", () => {
        open.delete(side);
        end();
      });
    }
    client.on("data", (chunk) => void upstream.write(chunk));
    upstream.on("data", (chunk) => {
      if (!losing) return void client.write(chunk);
      losing = false;
      lost++;
      end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(socket, resolve));
  return {
    socket,
    loseNextAnswer: () => void (losing = true),
    lost: () => lost,
    close: async () => {
      for (const side of open) side.destroy();
      await new Promise((resolve) => listener.close(resolve));
      await rm(socket, { force: true });
    },
  };
}
