/**
 * Command lines as GNU argp reads them: options and words in any order, long options shortened to what is unique, an
 * optional argument only where it is attached.
 *
 * @module
 */

/** An option. */
export interface ArgpOption {
  /** What the tool calls it; options of one key are names for the same thing. */
  readonly key: string;
  /** Its long names, the first the main one. */
  readonly long: readonly string[];
  readonly short?: string;
  /** The name of its argument; none where it takes none. */
  readonly argument?: string;
  /** Whether the argument may be left out. */
  readonly optional?: boolean;
  /** What it does, for `--help`; one without is not shown. */
  readonly help?: string;
}

/** The options of a tool, in the groups of its help. */
export interface ArgpTable {
  readonly tool: string;
  /** What stands behind the options in a usage line. */
  readonly words: string;
  /** What the tool is, in a sentence. */
  readonly purpose: string;
  readonly groups: readonly { readonly title: string; readonly options: readonly ArgpOption[] }[];
}

/** One option as it was given. */
export interface GivenOption {
  readonly key: string;
  /** Its argument; none where none was given. */
  readonly value?: string;
}

/** A command line, read. */
export interface Arguments {
  /** The options, in their order. */
  readonly options: readonly GivenOption[];
  /** What is no option, in its order. */
  readonly words: readonly string[];
  /** The index in `options` of an option that could have taken the word of the same index, had it been attached. */
  readonly before: readonly (number | undefined)[];
}

/** A command line that cannot be read. */
export interface ArgumentFault {
  readonly fault: string;
}

/** The options that every tool has. */
export const HELP_OPTIONS: readonly ArgpOption[] = [
  { key: "help", long: ["help"], short: "?", help: "show this help" },
  { key: "help", long: [], short: "h" },
  { key: "usage", long: ["usage"], help: "show the options in a few lines" },
  { key: "version", long: ["version"], short: "V", help: "print the version" },
];

/** All options of a table. */
export function optionsOf(table: ArgpTable): ArgpOption[] {
  return [...table.groups.flatMap(({ options }) => options), ...HELP_OPTIONS];
}

/** Reads a command line. */
export function readArguments(table: ArgpTable, args: readonly string[]): Arguments | ArgumentFault {
  const known = optionsOf(table);
  const options: GivenOption[] = [];
  const words: string[] = [];
  const before: (number | undefined)[] = [];
  let bare: number | undefined;
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      words.push(...rest);
      break;
    }
    const found = word.startsWith("--")
      ? readLong(known, word.slice(2), rest)
      : word.startsWith("-") && word !== "-"
      ? readShorts(known, word.slice(1), rest)
      : undefined;
    if (found === undefined) {
      words.push(word);
      before.push(bare);
      bare = undefined;
      continue;
    }
    if (typeof found === "string") return { fault: `${table.tool}: ${found}` };
    options.push(...found.given);
    bare = found.bare ? options.length - 1 : undefined;
  }
  return { options, words, before };
}

interface Read {
  readonly given: readonly GivenOption[];
  /** Whether the last one could have taken an argument and has none. */
  readonly bare: boolean;
}

function readLong(known: readonly ArgpOption[], text: string, rest: string[]): Read | string {
  const [name] = text.split("=", 1);
  const value = text.length > name.length ? text.slice(name.length + 1) : undefined;
  const exact = known.find(({ long }) => long.includes(name));
  const matches = known.flatMap((option) =>
    option.long.filter((long) => long.startsWith(name)).map((long) => ({ option, long }))
  );
  if (!exact && new Set(matches.map(({ option }) => option.key)).size > 1) {
    return `option '--${name}' is ambiguous; possibilities: ${
      matches.map(({ long }) => `'--${long}'`).join(" ")
    }`;
  }
  const option = exact ?? matches[0]?.option;
  if (!option) return `unrecognized option '--${name}'`;
  const shown = `--${exact ? name : matches[0].long}`;
  if (option.argument === undefined) {
    if (value !== undefined) return `option '${shown}' doesn't allow an argument`;
    return { given: [{ key: option.key }], bare: false };
  }
  if (value !== undefined) return { given: [{ key: option.key, value }], bare: false };
  if (option.optional) return { given: [{ key: option.key }], bare: true };
  const next = rest.shift();
  if (next === undefined) return `option '${shown}' requires an argument`;
  return { given: [{ key: option.key, value: next }], bare: false };
}

function readShorts(known: readonly ArgpOption[], text: string, rest: string[]): Read | string {
  const given: GivenOption[] = [];
  for (let index = 0; index < text.length; index++) {
    const letter = text[index];
    const option = known.find(({ short }) => short === letter);
    if (!option) return `invalid option -- '${letter}'`;
    const { key, argument, optional } = option;
    if (argument === undefined) {
      given.push({ key });
      continue;
    }
    const attached = text.slice(index + 1);
    if (attached !== "") return { given: [...given, { key, value: attached }], bare: false };
    if (optional) return { given: [...given, { key }], bare: true };
    const next = rest.shift();
    if (next === undefined) return `option requires an argument -- '${letter}'`;
    return { given: [...given, { key, value: next }], bare: false };
  }
  return { given, bare: false };
}

/** The value of the last option of that key. */
export function valueOf({ options }: Arguments, key: string): string | undefined {
  return options.findLast((option) => option.key === key)?.value;
}

/** The values of all options of that key. */
export function valuesOf({ options }: Arguments, key: string): string[] {
  return options.flatMap((option) => option.key === key && option.value !== undefined ? [option.value] : []);
}

/** Whether an option was given. */
export function has({ options }: Arguments, key: string): boolean {
  return options.some((option) => option.key === key);
}
