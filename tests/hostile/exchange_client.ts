/**
 * One exchange in a process of its own: prints how it ended and by how much the memory grew, as JSON.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { createHttp, exchange } from "../../lib/http/http.ts";

const http = createHttp({ allowInsecureLoopback: true });
const [origin, path] = process.argv.slice(2);
// The first exchange loads what every exchange needs.
await exchange(http, { url: `${origin}/warm`, method: "GET" });
const before = process.memoryUsage().rss;
let outcome: string;
try {
  outcome = `${(await exchange(http, { url: origin + path, method: "GET" })).status}`;
} catch (error) {
  outcome = (error as { code: string }).code;
}
console.log(JSON.stringify({ outcome, growth: peak() - before }));

/** The most memory that this process ever had. On Linux `maxRSS` would count that of the parent in. */
function peak(): number {
  const kibibytes = process.platform === "linux"
    ? Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1])
    : process.resourceUsage().maxRSS;
  return kibibytes * 1024;
}
