/**
 * Sockets that only this machine can reach.
 *
 * @module
 */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";

/** Listening sockets, one for each address of the redirect URI's host. */
export interface LoopbackSockets {
  /** With the real port in it; otherwise letter for letter as it was asked for. */
  readonly redirectUri: string;
  readonly servers: readonly Server[];
}

const PATH = "/callback";
/** How often another free port is tried when only one of the two addresses of `localhost` had it free. */
const ATTEMPTS = 5;

/**
 * Listens where a redirect URI points to: the loopback literal (RFC 8252 section 7.3). `localhost` means both 127.0.0.1
 * and ::1, because a browser takes either, and somebody else could listen on the one that we left alone.
 *
 * @param redirectUri default: a free port of 127.0.0.1, or of ::1 where there is no IPv4
 * @throws {TokenError} `invalid_argument` when it is no loopback redirect URI, or when the port cannot be had
 */
export async function loopbackSockets(
  redirectUri: string | undefined,
  connected: (socket: Socket) => void,
): Promise<LoopbackSockets> {
  if (redirectUri === undefined) {
    const server = await bind("127.0.0.1", 0, connected) ?? await bind("::1", 0, connected);
    if (server === undefined) {
      throw withoutLoopback();
    }
    const { address, port } = server.address() as AddressInfo;
    const host = address === "::1" ? "[::1]" : address;
    return { redirectUri: `http://${host}:${port}${PATH}`, servers: [server] };
  }
  const url = checkRedirectUri(redirectUri);
  const wanted = url.port === "" ? 80 : Number(url.port);
  const servers = await bindHost(url, wanted, connected);
  const { port } = servers[0].address() as AddressInfo;
  return { redirectUri: wanted === 0 ? redirectUri.replace(/:0(?=\/|$)/, `:${port}`) : redirectUri, servers };
}

function checkRedirectUri(redirectUri: string): URL {
  const url = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined;
  const isHost = url !== undefined && /^(?:localhost|127(?:\.\d+){3}|\[::1])$/.test(url.hostname);
  if (
    !isHost || url.protocol !== "http:" || url.username !== "" || url.password !== "" ||
    /[?#]/.test(redirectUri)
  ) {
    throw new TokenError("invalid_argument", `Cannot listen on ${safeText(redirectUri)}`, {
      nextStep:
        "Use a redirect URI such as http://127.0.0.1:4242/callback: http, 127.0.0.1, [::1] or localhost, no query",
    });
  }
  return url;
}

async function bindHost(url: URL, port: number, connected: (socket: Socket) => void): Promise<Server[]> {
  if (url.hostname !== "localhost") {
    const server = await bind(url.hostname.replace(/[[\]]/g, ""), port, connected);
    if (server !== undefined) return [server];
    throw new TokenError(
      "invalid_argument",
      `Cannot listen on ${url.host}: this machine has no such address`,
      {
        nextStep: ELSEWISE,
      },
    );
  }
  for (let attempt = 1;; attempt++) {
    const first = await bind("127.0.0.1", port, connected);
    const shared = first === undefined ? port : (first.address() as AddressInfo).port;
    try {
      const servers = [first, await bind("::1", shared, connected)].filter((server) => server !== undefined);
      if (servers.length > 0) return servers;
      throw withoutLoopback();
    } catch (error) {
      first?.close();
      if (port !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Listens on one address; gives nothing when the machine does not have it. */
function bind(host: string, port: number, connected: (socket: Socket) => void): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(connected);
    server.once("error", (error) => {
      const code = (error as { code?: unknown }).code;
      if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") resolve(undefined);
      else reject(bindError(host, port, code));
    });
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

const ELSEWISE = "Sign in without a browser on this machine: --flow device";

function withoutLoopback(): TokenError {
  const message = "Cannot listen here: there is no loopback interface";
  return new TokenError("invalid_argument", message, { nextStep: ELSEWISE });
}

function bindError(host: string, port: number, code: unknown): TokenError {
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: "another program is using this port",
    EACCES: "the system does not let you use this port",
  };
  const reason = reasons[String(code)] ?? `the system refused it (${safeText(String(code), 40)})`;
  return new TokenError(
    "invalid_argument",
    `Cannot listen on ${place} for the answer of the browser: ${reason}`,
    {
      nextStep: `End the other program, or name another port with --redirect-uri. ${ELSEWISE}`,
    },
  );
}
