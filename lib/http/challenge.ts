/**
 * The challenges of a server (RFC 9110 section 11.6.1).
 *
 * @module
 */

/** The longest header that is read, in characters. */
const LIMIT = 16_384;

/**
 * The parameters of a `WWW-Authenticate` header, by their names in small letters; where there are several of a name, the
 * first one.
 *
 * @param schemes whose challenges count, in small letters; default: all
 */
export function challengeParameters(headers: Headers, schemes?: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  let scheme = "";
  const parts = /([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s",]+))|([\w-]+)(?=\s|$)/g;
  const header = (headers.get("www-authenticate") ?? "").slice(0, LIMIT);
  for (const [, name, quoted, plain, word] of header.matchAll(parts)) {
    if (word) scheme = word.toLowerCase();
    else if (schemes?.includes(scheme) !== false && !found.has(name.toLowerCase())) {
      found.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? plain);
    }
  }
  return found;
}
