/**
 * Looks for a secret in what a store keeps.
 *
 * @module
 */

/** Whether `secret`, which is ASCII, is somewhere in `bytes`: as it is, in UTF-16, in Base64 or in hexadecimal. */
export function holdsPlaintext(bytes: Uint8Array, secret: string): boolean {
  const text = charactersOf(bytes);
  if (text.includes(secret) || text.includes([...secret].join("\0"))) return true;
  const hex = Array.from(secret, (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  if (text.toLowerCase().includes(hex)) return true;
  // A run of Base64 may begin in the middle of another word, so each of its four beginnings counts.
  return (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).some((run) =>
    [0, 1, 2, 3].some((at) => decoded(run.slice(at)).includes(secret))
  );
}

/** One character for each byte. */
function charactersOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

function decoded(run: string): string {
  const whole = run.length % 4 === 1 ? run.slice(0, -1) : run;
  return atob(whole.replaceAll("-", "+").replaceAll("_", "/"));
}
