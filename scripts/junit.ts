/**
 * Counts the tests in a JUnit report. Deno, Bun and Node each write another dialect of it.
 *
 * @module
 */

/** What a report says. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** The names of the tests that did not run, or whose failure would not count: skipped, ignored, todo. */
  readonly skipped: readonly string[];
  /** The names of all tests. */
  readonly names: readonly string[];
}

interface Case {
  readonly name: string;
  failed: boolean;
  skipped: boolean;
}

// A start or end tag with its attributes; a ">" may stand inside a quoted value.
const TAG = /<(\/?)(testsuite|testcase|failure|error|skipped)((?:\s+[\w:.-]+="[^"]*")*)\s*(\/?)>/g;

/** Counts the tests of `xml`: each innermost one counts once, and a group only when it fails by itself. */
export function countTests(xml: string): Counts {
  const cases: Case[] = [];
  let current: Case | undefined;
  let failedOutside = 0;
  for (const [, end, tag, attributes, empty] of xml.matchAll(TAG)) {
    if (tag === "testcase") {
      if (end) {
        current = undefined;
        continue;
      }
      const found: Case = { name: nameIn(attributes), failed: false, skipped: false };
      cases.push(found);
      current = empty ? undefined : found;
    } else if (!end && tag !== "testsuite") {
      if (current === undefined) failedOutside += tag === "skipped" ? 0 : 1;
      else if (tag === "skipped") current.skipped = true;
      else current.failed = true;
    }
  }
  const counted = withoutGroups(cases);
  const failed = counted.filter((test) => test.failed).length;
  const skipped = counted.filter((test) => test.skipped && !test.failed);
  return {
    passed: counted.length - failed - skipped.length,
    failed: failed + failedOutside,
    skipped: skipped.map((test) => test.name),
    names: counted.map((test) => test.name),
  };
}

/**
 * Deno reports a group as one more test, named as the start of its members' names ("group > test"). A group that
 * fails though none of its members does (a broken hook) counts as a failed test.
 */
function withoutGroups(cases: readonly Case[]): Case[] {
  const groups = new Map<string, boolean>();
  for (const test of cases) {
    for (let at = test.name.indexOf(" > "); at > 0; at = test.name.indexOf(" > ", at + 3)) {
      const group = test.name.slice(0, at);
      groups.set(group, (groups.get(group) ?? false) || test.failed);
    }
  }
  return cases.filter((test) => {
    const memberFailed = groups.get(test.name);
    return memberFailed === undefined || (test.failed && !memberFailed);
  });
}

function nameIn(attributes: string): string {
  const name = /\sname="([^"]*)"/.exec(attributes)?.[1] ?? "";
  return name.replace(/&(lt|gt|quot|apos|#\d+|amp);/g, (_, entity: string) => {
    if (entity.startsWith("#")) return String.fromCodePoint(Number(entity.slice(1)));
    return { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" }[entity] ?? "";
  });
}
