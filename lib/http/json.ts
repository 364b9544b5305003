/**
 * JSON from a server, read the same way on every runtime and without its traps.
 *
 * @module
 */

/** How deep arrays and objects may be nested. */
const DEEPEST = 32;
/** How many opening brackets and commas there may be, which is about the number of values. */
const MOST_NODES = 10_000;

// An escaped surrogate pair; an escape that must not be there: NUL, or half a pair (group 1); any other escape; what
// gives the structure. Each match is short, so hostile input costs no more time or stack than other input.
const TOKEN = /\\ud[89ab]..\\ud[c-f]..|\\u(0000|d[89a-f])|\\[^]|["{}[\],:]/gi;

/**
 * Parses strict JSON (RFC 8259, I-JSON of RFC 7493): UTF-8 without a byte order mark, no member twice, no `__proto__` or
 * `constructor`, no NUL, no half surrogate pairs. The limits are checked before anything is built.
 *
 * @param refusal makes the error out of what is wrong, which never quotes the content
 * @returns what `JSON.parse` returns
 * @throws {Error} what `refusal` makes
 */
export function parseJson(bytes: Uint8Array, refusal: (why: string) => Error): unknown {
  let fault: string | undefined = "is not JSON";
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (/^\s*</.test(text)) fault = "is a web page";
    const found = findFault(text);
    if (!found) return JSON.parse(text);
    fault = found;
  } catch {
    // What the runtime says would quote the content.
  }
  throw refusal(`it ${fault}`);
}

/** Looks for what `JSON.parse` would let pass. Text that is not JSON may get through: `JSON.parse` refuses that. */
function findFault(text: string): string | undefined {
  const members: Set<unknown>[] = [];
  let start = -1;
  let end = -1;
  let seen = 0;
  for (const { 0: token, 1: broken, index } of text.matchAll(TOKEN)) {
    if (broken) return "has a broken character";
    if (token === '"') {
      if (start > end) end = index;
      else start = index;
    } else if (start > end) continue;
    else if (token === ":") {
      const name = JSON.parse(text.slice(start, end + 1));
      // A second colon finds no name: reading a long one again and again would take for ever.
      start = end = -1;
      const names = members.at(-1);
      if (names?.has(name) || /^(__proto__|constructor)$/.test(name)) {
        return "has a member twice or a forbidden one";
      }
      names?.add(name);
    } else if (/[}\]]/.test(token)) members.pop();
    else {
      if (token !== ",") members.push(new Set());
      if (members.length > DEEPEST || ++seen > MOST_NODES) return "is nested too deep or has too many parts";
    }
  }
}
