/**
 * JSON with members that are there twice, as some releases of oidc-agent have written it.
 *
 * @module
 */

// a string, a bracket, or what separates: whatever else there is between them is a number or a word
const TOKEN = /"(?:[^"\\]|\\[^])*"|[[\]{},:]/g;

/**
 * The text of an object whose members are there once each: of several, the first that says something, because the first
 * is what oidc-agent's own reader finds. Text without doubles comes back as it is.
 */
export function withoutDoubles(text: string): string {
  const members = topMembers(text);
  const names = members.map(([name]) => name);
  if (new Set(names).size === names.length) return text;
  const chosen = new Map<string, string>();
  for (const [name, value] of members) {
    const before = chosen.get(name);
    if (before === undefined || /^(?:""|null)$/.test(before)) chosen.set(name, value);
  }
  return `{${[...chosen].map(([name, value]) => `${name}:${value}`).join(",")}}`;
}

/** Name and value of each member of an object, as they are written. */
function topMembers(text: string): [name: string, value: string][] {
  const members: [string, string][] = [];
  let depth = 0;
  let name: string | undefined;
  let last = "";
  let start = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === "[" || token === "{") depth++;
    else if (depth === 1 && token === ":" && name === undefined) {
      name = last;
      start = index + 1;
    } else if (depth === 1 && (token === "," || token === "}") && name !== undefined) {
      members.push([name, text.slice(start, index).trim()]);
      name = undefined;
    }
    if (token === "]" || token === "}") depth--;
    last = token;
  }
  return members;
}
