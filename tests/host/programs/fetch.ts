/** Gets the URL that it is given, with the CA file that it may be given, and says how that went. */

import process from "node:process";
import { isTokenError } from "../../../lib/errors.ts";
import { workstation } from "../../../lib/host/host.ts";
import { createHttp, exchange } from "../../../lib/http/http.ts";

const [, , url, caFile] = process.argv;
const host = workstation();
try {
  const http = createHttp({ fetch: await host.fetch({ caFile }), allowInsecureLoopback: true });
  const { status, body } = await exchange(http, { method: "GET", url });
  host.answer(JSON.stringify({ status, body: new TextDecoder().decode(body) }));
} catch (error) {
  if (!isTokenError(error)) throw error;
  const { code, message, sent } = error;
  host.answer(JSON.stringify({ code, message, ...(sent === undefined ? {} : { sent }) }));
}
