/**
 * What the browser shows at the end of a sign-in: fixed pages, in which nothing comes from a server.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** The pages there are. */
export type CallbackPage = "done" | "declined" | "unexpected" | "refused";

// The code leaves the address bar at once, before somebody is talked into copying it.
const SCRIPT = 'history.replaceState(null,"",location.pathname)';
const STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem}";

const TEXTS: Readonly<Record<CallbackPage, readonly [title: string, text: string]>> = {
  done: ["Back to your terminal", "The answer has arrived. You can close this page; the terminal goes on."],
  declined: [
    "Not signed in",
    "The sign-in was not completed. You can close this page; the terminal says more.",
  ],
  unexpected: [
    "Not the expected answer",
    "This page does not belong to the sign-in that is under way. You can close it.",
  ],
  refused: ["Nothing here", "You can close this page."],
};

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  414: "URI Too Long",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
};

/** A whole HTTP answer with one of the pages, after which the connection ends. */
export function callbackAnswer(status: number, page: CallbackPage): Uint8Array {
  const [title, text] = TEXTS[page];
  const body = '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">' +
    `<title>${title}</title><style>${STYLE}</style></head><body><h1>${title}</h1><p>${text}</p>` +
    "<p>Never copy the address of this page to anywhere: nobody honest asks for it.</p>" +
    `<script>${SCRIPT}</script></body></html>\n`;
  const headers = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    "Content-Type: text/html; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    `Content-Security-Policy: default-src 'none'; script-src '${hash(SCRIPT)}'; style-src '${
      hash(STYLE)
    }'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    ...(status === 405 ? ["Allow: GET"] : []),
    "Connection: close",
  ];
  return new TextEncoder().encode(`${headers.join("\r\n")}\r\n\r\n${body}`);
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
