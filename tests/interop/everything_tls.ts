import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { type AddressInfo, connect } from "node:net";
import tls from "node:tls";
import type { Certificate } from "../hostile/certificates.ts";
import type { Fetch } from "../../mod.ts";
import type { Peer } from "./everything_features.ts";

/** What ends TLS in front of a plain HTTP server. */
export interface TlsFront {
  readonly origin: string;
  /** The certificate of the connection on which a request came in. */
  peerOf(request: IncomingMessage): Peer;
  close(): Promise<void>;
}

/**
 * Ends TLS before a server on a port of 127.0.0.1, and asks each client for a certificate. The server of `node:https`
 * would do, but for Bun, where its sockets do not tell the certificate.
 *
 * @param authority whose certificates count as authorized, in PEM
 */
export async function startTlsFront(
  port: number,
  identity: Certificate,
  authority: string,
): Promise<TlsFront> {
  const peers = new Map<number, Peer>();
  const sockets = new Set<{ destroy(): void }>();
  const options = { ...identity, ca: authority, requestCert: true, rejectUnauthorized: false };
  const server = tls.createServer(options, (outer) => {
    const inner = connect(port, "127.0.0.1", () => {
      peers.set(inner.localPort!, peer(outer));
      outer.pipe(inner).pipe(outer);
    });
    for (const [socket, other] of [[outer, inner], [inner, outer]]) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    peerOf: ({ socket }) => peers.get(socket.remotePort ?? 0) ?? { authorized: false },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function peer(socket: tls.TLSSocket): Peer {
  const { raw } = socket.getPeerCertificate();
  return raw
    ? { certificate: new X509Certificate(raw), authorized: socket.authorized }
    : { authorized: false };
}

/** A certificate as the JWK with which `self_signed_tls_client_auth` is registered (RFC 8705 section 2.2.2). */
export function certificateJwk({ cert }: Certificate): Record<string, unknown> {
  const certificate = new X509Certificate(cert);
  const jwk = certificate.publicKey.export({ format: "jwk" }) as Record<string, unknown>;
  return { ...jwk, x5c: [Buffer.from(certificate.raw).toString("base64")] };
}

/** The thumbprint that a token is bound to (RFC 8705 section 3.1). */
export async function certificateThumbprint({ cert }: Certificate): Promise<string> {
  const { raw } = new X509Certificate(cert);
  return Buffer.from(await crypto.subtle.digest("SHA-256", new Uint8Array(raw))).toString("base64url");
}

/** The runtime's own `fetch` with a client certificate. The one of Node.js takes none, so there `node:https` it is. */
export function ownFetchWithCertificate(authority: string, { key, cert }: Certificate): Fetch {
  // deno-lint-ignore no-explicit-any
  const { Deno, Bun, fetch } = globalThis as any;
  if (Deno) {
    const client = Deno.createHttpClient({ caCerts: [authority], key, cert });
    return (input, init) => fetch(input, { ...init, client });
  }
  if (Bun) return (input, init) => fetch(input, { ...init, tls: { ca: authority, key, cert } });
  return fetchWithCertificate(authority, { key, cert });
}

/** A `fetch` that shows a client certificate, or none: over `node:https`, which every runtime has. */
export function fetchWithCertificate(authority: string, identity?: Certificate): Fetch {
  return async (input, init) => {
    if (!input.startsWith("https:")) return await globalThis.fetch(input, init);
    const { method, headers, body, signal } = init;
    const content = await new Response(body ?? null).arrayBuffer();
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request(input, {
        ...identity,
        ca: authority,
        agent: false,
        method,
        headers: {
          ...Object.fromEntries(new Headers(headers)),
          ...(body instanceof URLSearchParams ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        },
        signal: signal ?? undefined,
      });
      request.on("response", resolve).on("error", reject);
      request.end(Buffer.from(content));
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of message) chunks.push(chunk as Uint8Array);
    const answered = Object.entries(message.headers).map((
      [name, value],
    ) => [name, [value ?? ""].flat().join()]);
    return new Response(new Uint8Array(Buffer.concat(chunks)), {
      status: message.statusCode,
      headers: answered as [string, string][],
    });
  };
}
