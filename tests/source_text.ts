/**
 * Reads TypeScript as text: what is code in it, what is a string, and what it imports.
 *
 * @module
 */

/** A string, regular expression or piece of a template, without its delimiters. */
export interface Literal {
  readonly start: number;
  readonly end: number;
}

/** A source taken apart. */
export interface Scan {
  /** The source with comments and the insides of literals blanked; every position stays the same. */
  readonly code: string;
  /** Quoted strings and pieces of templates, in order. */
  readonly strings: readonly Literal[];
}

/** One import, `export … from` or `import()`. */
export interface Import extends Literal {
  /** What is imported; `undefined` where only the running program knows. */
  readonly specifier: string | undefined;
  readonly dynamic: boolean;
}

/** After one of these words a slash begins a regular expression, not a division. */
const BEFORE_REGEX = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/;

/** Takes `source` apart. */
export function scan(source: string): Scan {
  const code = source.split("");
  const strings: Literal[] = [];
  const blank = (start: number, end: number) => {
    for (let at = start; at < end; at++) if (code[at] !== "\n") code[at] = " ";
  };
  // One entry per open template: how many braces are open in its current ${…}.
  const templates: number[] = [];
  let at = 0;
  while (at < source.length) {
    const two = source.slice(at, at + 2);
    const one = source[at];
    let end: number;
    if (two === "//" || two === "/*" || (two === "#!" && at === 0)) {
      end = two === "/*"
        ? endOr(source, source.indexOf("*/", at + 2), 2)
        : endOr(source, source.indexOf("\n", at), 0);
      blank(at, end);
    } else if (one === '"' || one === "'") {
      end = endOfQuoted(source, at + 1, one);
      strings.push({ start: at + 1, end: end - 1 });
      blank(at + 1, end - 1);
    } else if (one === "`" || (one === "}" && templates.at(-1) === 0)) {
      end = endOfTemplatePiece(source, at + 1);
      if (one === "}") templates.pop();
      const opens = source[end - 1] === "{";
      if (opens) templates.push(0);
      const inside = { start: at + 1, end: end - (opens ? 2 : 1) };
      strings.push(inside);
      blank(inside.start, inside.end);
    } else if (one === "/" && regexMayBegin(code, at)) {
      end = endOfRegex(source, at + 1);
      blank(at + 1, end - 1);
    } else {
      if (templates.length > 0 && one === "{") templates[templates.length - 1]++;
      if (templates.length > 0 && one === "}") templates[templates.length - 1]--;
      end = at + 1;
    }
    at = end;
  }
  return { code: code.join(""), strings };
}

/** What `source` imports, type imports included. */
export function importsOf(source: string): Import[] {
  const { code, strings } = scan(source);
  const found: Import[] = [];
  for (const match of code.matchAll(/\b(?:from|import)\s*(?=["'])|\bimport\s*\(\s*/g)) {
    if (/[\w$.]/.test(code[match.index - 1] ?? "")) continue;
    const dynamic = match[0].includes("(");
    const at = match.index + match[0].length;
    const literal = strings.find(({ start }) => start === at + 1);
    const closed = literal !== undefined && !(dynamic && /^\s*[^\s),]/.test(code.slice(literal.end + 1)));
    if (closed && /["'`]/.test(code[literal.end])) {
      found.push({ ...literal, specifier: source.slice(literal.start, literal.end), dynamic });
    } else {
      found.push({ start: at, end: at, specifier: undefined, dynamic });
    }
  }
  return found;
}

function endOr(source: string, found: number, length: number): number {
  return found < 0 ? source.length : found + length;
}

function endOfQuoted(source: string, at: number, quote: string): number {
  while (at < source.length && source[at] !== quote && source[at] !== "\n") at += source[at] === "\\" ? 2 : 1;
  return Math.min(at + 1, source.length);
}

/** The position after the backtick, or after the `${`, that ends a piece of a template. */
function endOfTemplatePiece(source: string, at: number): number {
  while (at < source.length && source[at] !== "`") {
    if (source.startsWith("${", at)) return at + 2;
    at += source[at] === "\\" ? 2 : 1;
  }
  return Math.min(at + 1, source.length);
}

function endOfRegex(source: string, at: number): number {
  let inClass = false;
  while (at < source.length && source[at] !== "\n" && (inClass || source[at] !== "/")) {
    if (source[at] === "[") inClass = true;
    if (source[at] === "]") inClass = false;
    at += source[at] === "\\" ? 2 : 1;
  }
  return Math.min(at + 1, source.length);
}

/** A slash is a division after a value: a name, a number, a closing bracket, a literal. */
function regexMayBegin(code: readonly string[], at: number): boolean {
  const before = code.slice(Math.max(0, at - 40), at).join("").trimEnd();
  return !/[\w$)\]}"'`]$/.test(before) || BEFORE_REGEX.test(before);
}
